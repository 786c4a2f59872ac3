"""Run the real `codeflash compare` on what inject made, and find what it keeps quiet about.

Everything of it happens in a repository made for this run, with a home of its own: no account, no network, and nothing of it in
the user's repository, configuration or environment.
"""
