import zipfile

from pagelayout import Box, TextLine, archive_pages, to_html, to_xml

LINE = TextLine("a < b", Box(1, 2, 3, 4))


def test_html_is_escaped():
    assert to_html([LINE]) == "<p>a &lt; b</p>"


def test_xml_has_boxes():
    assert '<line left="1" top="2" right="3" bottom="4">a &lt; b</line>' in to_xml([LINE])


def test_an_archive_has_a_file_for_each_page(tmp_path):
    archive_pages(tmp_path / "pages.zip", {1: [LINE], 12: []})
    with zipfile.ZipFile(tmp_path / "pages.zip") as archive:
        assert archive.namelist() == ["page-0001.html", "page-0012.html"]
        assert archive.read("page-0001.html") == b"<p>a &lt; b</p>"
