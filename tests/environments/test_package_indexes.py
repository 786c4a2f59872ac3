import pytest

from tasks.environments.package_indexes import uv_variables


def test_uv_uses_pips_indexes_if_it_has_none(tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://one.example/simple\n[install]\nfind-links = /wheels\n  /more\n")
    environment = {
        "PIP_CONFIG_FILE": str(config),
        "PIP_EXTRA_INDEX_URL": "https://two.example/simple https://three.example/simple",
    }
    variables = uv_variables(environment, tmp_path)
    assert variables == {
        "UV_DEFAULT_INDEX": "https://one.example/simple",
        "UV_EXTRA_INDEX_URL": "https://two.example/simple https://three.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX", "UV_CONFIG_FILE", "UV_OFFLINE"])
def test_settings_for_uv_win(tmp_path, variable):
    assert uv_variables({"PIP_INDEX_URL": "https://one.example", variable: "x"}, tmp_path) == {}


def test_a_uv_toml_of_the_user_wins(tmp_path):
    (tmp_path / ".config/uv").mkdir(parents=True)
    (tmp_path / ".config/uv/uv.toml").write_text("")
    assert uv_variables({"PIP_INDEX_URL": "https://one.example"}, tmp_path) == {}
