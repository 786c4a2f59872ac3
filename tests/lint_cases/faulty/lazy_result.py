from pages.text import lines

TEXT = "some words\n" * 1000


def test_benchmark_lines(benchmark):
    benchmark(lines, TEXT)  #! lazy-result


def test_benchmark_lines_in_a_lambda(benchmark):
    benchmark(lambda: lines(TEXT))  #! lazy-result


def test_benchmark_lines_mapped(benchmark):
    benchmark(lambda: map(str.upper, lines(TEXT)))  #! lazy-result
