"""The settings: what wins, what is refused, what is hidden."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings
from service.settings_source import BadSettings, describe, load
from service.settings_tables import DicomDestination, FolderDestination, ResearchDestination

KEY = "5c" * 32


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("SCANSIDE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SCANSIDE_STATE_DIR", str(tmp_path))


def toml(folder: Path, text: str, name: str = "scanside.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def complaint() -> str:
    with pytest.raises(BadSettings) as caught:
        load()
    return str(caught.value)


def test_the_defaults_serve_this_machine_alone() -> None:
    settings = load().settings
    assert (settings.ae_title, settings.dicom_host, settings.dicom_port) == ("SCANSIDE", "127.0.0.1", 11112)
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert (settings.quiet_s, settings.cap_s) == (3.0, 60.0)
    assert settings.deidentify


def test_the_database_lies_in_the_state_folder_where_nothing_is_said(tmp_path: Path) -> None:
    assert load().settings.database == f"sqlite:///{tmp_path}/scanside.sqlite"


def test_a_command_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(tmp_path, 'ae_title = "FILE"\nhttp_port = 1\ndicom_port = 2\n')
    monkeypatch.setenv("SCANSIDE_HTTP_PORT", "11")
    monkeypatch.setenv("SCANSIDE_DICOM_PORT", "12")

    loaded = load({"dicom_port": 22, "threads": None})

    settings = loaded.settings
    assert (settings.ae_title, settings.http_port, settings.dicom_port) == ("FILE", 11, 22)
    origins = {row.name: row.origin for row in describe(loaded)}
    assert origins["ae_title"] == str(tmp_path / "scanside.toml")
    assert origins["http_port"] == "SCANSIDE_HTTP_PORT"
    assert origins["dicom_port"] == "given"
    assert origins["threads"] == "default"


def test_the_configuration_may_lie_elsewhere_but_must_then_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toml(tmp_path, "quiet_s = 1.5", "other.toml")
    monkeypatch.setenv("SCANSIDE_CONFIG", str(path))
    assert load().settings.quiet_s == 1.5
    path.unlink()
    assert str(path) in complaint()


def test_an_unknown_variable_is_refused_with_the_name_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANSIDE_DICOM_PROT", "1")
    assert complaint() == "SCANSIDE_DICOM_PROT: unknown variable (did you mean SCANSIDE_DICOM_PORT?)"


@pytest.mark.parametrize("name", ["SCANSIDE_DATA", "SCANSIDE_CACHE", "SCANSIDE_REQUIRE_PEERS"])
def test_variables_of_makers_and_tests_are_no_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    load()


def test_what_does_not_fit_in_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        """
quiet_s = -1
nonsense = 3
[allow]
networks = ["10.0.0.0/8", "ten"]
[[destination]]
name = "a"
kind = "folder"
folder = "/srv/a"
[[destination]]
name = "b"
kind = "dicom"
host = "pacs"
prot = 104
port = 104
ae_title = "A B"
""",
    )
    said = complaint().splitlines()
    assert f"{path}, line 2: quiet_s: Input should be greater than 0" in said
    assert f"{path}, line 3: nonsense: unknown name" in said
    assert f"{path}, line 14: destination.1.prot: unknown name (did you mean port?)" in said
    assert any(line.startswith(f"{path}, line 5: allow.networks.1:") for line in said)
    assert len(said) == 4


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    toml(tmp_path, "quiet_s = = 1")
    assert "not TOML" in complaint()


def test_secrets_come_from_files_too_and_never_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "url").write_text("postgresql://scanside:hunter2@db/scanside\n")
    monkeypatch.setenv("SCANSIDE_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SCANSIDE_DATABASE_URL_FILE", str(tmp_path / "url"))

    loaded = load()

    assert loaded.settings.key is not None
    assert loaded.settings.key.get_secret_value() == KEY
    assert loaded.settings.database == "postgresql+psycopg://scanside:hunter2@db/scanside"
    shown = repr(loaded) + repr(describe(loaded)) + loaded.settings.model_dump_json()
    assert KEY not in shown
    assert "hunter2" not in shown
    assert {row.name: row.origin for row in describe(loaded)}["key"] == "SCANSIDE_KEY_FILE"


def test_a_secret_said_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(KEY)
    monkeypatch.setenv("SCANSIDE_KEY", KEY)
    monkeypatch.setenv("SCANSIDE_KEY_FILE", str(tmp_path / "key"))
    assert "both set" in complaint()


def test_a_secret_that_does_not_fit_is_refused_without_quoting_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANSIDE_KEY", "hunter2")
    said = complaint()
    assert "64 hexadecimal digits" in said
    assert "hunter2" not in said


def test_a_missing_secret_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANSIDE_KEY_FILE", "/nowhere/key")
    assert "SCANSIDE_KEY_FILE: cannot read /nowhere/key" in complaint()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "scanside.example"])
def test_the_console_binds_other_addresses_only_with_tls_and_under_names(host: str) -> None:
    with pytest.raises(ValidationError, match="http_certificate and http_key, or http_behind_proxy"):
        Settings(http_host=host)
    for way in ({"http_certificate": "/c.pem", "http_key": "/k.pem"}, {"http_behind_proxy": True}):
        with pytest.raises(ValidationError, match="http_names"):
            Settings(http_host=host, **way)
        made = Settings(http_host=host, http_names=("Scanside.example", "2001:db8::1"), **way)
        assert (made.exposed, made.http_names) == (True, ("scanside.example", "[2001:db8::1]"))


def test_behind_a_proxy_this_machine_s_own_address_is_open_to_nobody() -> None:
    assert Settings(http_behind_proxy=True, http_names=("scanside.example",)).exposed
    assert not Settings().exposed


@pytest.mark.parametrize(
    "wrong",
    [
        {"http_certificate": "/c.pem"},
        {"http_key": "/k.pem"},
        {"http_names": ("https://scanside.example",)},
        {"http_certificate": "/c.pem", "http_key": "/k.pem", "http_behind_proxy": True, "http_names": ("a",)},
    ],
)
def test_half_a_way_to_other_machines_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)  # type: ignore[arg-type]  # what the test is about


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_the_console_binds_this_machines_own_addresses(host: str) -> None:
    assert Settings(http_host=host).http_host == host


def test_destinations_are_told_apart_by_kind(tmp_path: Path) -> None:
    toml(
        tmp_path,
        """
[[destination]]
name = "pacs"
kind = "dicom"
host = "pacs.example"
port = 104
ae_title = "PACS"
results = ["SR"]
[[destination]]
name = "out"
kind = "folder"
folder = "~/results"
send = "problems"
""",
    )
    pacs, out = load().settings.destination
    assert isinstance(pacs, DicomDestination)
    assert (pacs.results, pacs.send) == (("SR",), "always")
    assert isinstance(out, FolderDestination)
    assert out.folder == Path.home() / "results"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('url = "https://user:secret@pacs/dicom-web"', "url"),
        ('url = "ftp://pacs"', "url"),
        ('url = "https://pacs"\nuser = "scanside"', "user and password_file go together"),
        (
            'url = "https://pacs"\nuser = "a"\npassword_file = "/p"\ntoken_file = "/t"',
            "exclude each other",
        ),
        (
            'url = "https://pacs"\n[destination.tls]\nprivate_key = "/k"',
            "a private_key needs its certificate",
        ),
    ],
)
def test_a_dicomweb_server_is_named_without_secrets_and_called_in_one_way(
    tmp_path: Path, more: str, told: str
) -> None:
    toml(tmp_path, f'[[destination]]\nname = "web"\nkind = "stow"\n{more}\n')
    said = complaint()
    assert told in said
    assert "secret" not in said


def test_results_that_leave_without_tls_are_a_concern() -> None:
    def concerns(url: str) -> list[str]:
        made = Settings.model_validate({"destination": [{"name": "web", "kind": "stow", "url": url}]})
        return [told for told in made.concerns() if "without TLS" in told]

    assert concerns("http://pacs.example/dicom-web")
    assert not concerns("http://127.0.0.1:8042/dicom-web")
    assert not concerns("https://pacs.example/dicom-web")


def test_two_destinations_of_one_name_are_refused(tmp_path: Path) -> None:
    toml(tmp_path, '[[destination]]\nname = "a"\nkind = "folder"\nfolder = "/a"\n' * 2)
    assert "two entries are named 'a'" in complaint()


def test_a_scanner_is_known_by_title_or_serial_and_not_by_both(tmp_path: Path) -> None:
    toml(
        tmp_path, '[[scanner]]\nname = "MR 1"\nae_title = "MR1"\n[[scanner]]\nname = "MR 2"\nserial = "42"\n'
    )
    assert [scanner.name for scanner in load().settings.scanner] == ["MR 1", "MR 2"]
    toml(tmp_path, '[[scanner]]\nname = "MR 1"\nae_title = "MR1"\nserial = "42"\n')
    assert "not both" in complaint()


def test_lists_and_tables_may_stand_in_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANSIDE_ALLOW", '{"ae_titles": ["MR1"], "networks": ["10.1.2.3"]}')
    monkeypatch.setenv("SCANSIDE_DESTINATION", '[{"name": "a", "kind": "folder", "folder": "/a"}]')
    settings = load().settings
    assert settings.allow.networks == ("10.1.2.3/32",)
    assert settings.destination[0].name == "a"
    monkeypatch.setenv("SCANSIDE_ALLOW", "MR1")
    assert "as JSON" in complaint()


@pytest.mark.parametrize("title", ["", " ", "A\\B", "SEVENTEEN_LETTERS", "Ä", "A\nB"])
def test_an_ae_title_that_the_standard_does_not_know_is_refused(title: str) -> None:
    with pytest.raises(ValidationError, match="AE title"):
        Settings(ae_title=title)


@pytest.mark.parametrize("url", ["mysql://x", "scanside.sqlite", "sqlite+aiosqlite:///x"])
def test_another_database_engine_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="database URL"):
        Settings.model_validate({"database_url": url})


def test_settings_do_not_change() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.http_port = 1


def test_a_value_made_in_code_does_not_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANSIDE_HTTP_PORT", "11")
    assert Settings().http_port == 8080


def test_what_a_careful_administrator_would_change_is_said() -> None:
    careful = Settings.model_validate(
        {"dicom_host": "0.0.0.0", "allow": {"networks": ["10.0.0.0/8"]}, "destination": [_FOLDER]}
    )
    assert careful.concerns() == ()
    careless = Settings(dicom_host="0.0.0.0", unsafe_keep_identity=True)
    assert len(careless.concerns()) == 3
    assert not careless.deidentify


_FOLDER = {"name": "out", "kind": "folder", "folder": "/srv/out"}


def research(**more: object) -> dict[str, object]:
    return {"name": "r", "kind": "research", "folder": "/srv/research"} | more


def test_a_research_destination_shifts_dates_where_nothing_is_said(tmp_path: Path) -> None:
    (entry,) = Settings(state_dir=tmp_path, destination=[research()]).destination
    assert isinstance(entry, ResearchDestination)
    assert (entry.profile, entry.host, entry.send) == ("export", None, "always")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"host": "pacs"}, "go together"),
        ({"ae_title": "PACS"}, "go together"),
        ({"profile": "nobody's"}, "no profile"),
        ({"profile": "open"}, "retains too much"),
        ({"results": ["SR"]}, "Extra inputs"),
    ],
)
def test_a_research_destination_that_cannot_be_is_refused(
    tmp_path: Path, more: dict[str, object], why: str
) -> None:
    profile = {"name": "open", "options": ["retain_uids"], "ae_titles": ["MR9"]}
    with pytest.raises(ValidationError, match=why):
        Settings(state_dir=tmp_path, destination=[research(**more)], profile=[profile])


def test_nothing_is_exported_for_research_where_identity_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="exclude each other"):
        Settings(state_dir=tmp_path, destination=[research()], unsafe_keep_identity=True)


def test_a_profile_names_its_options_and_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    given = '[{"name": "trial", "options": ["clean_descriptors"], "ae_titles": ["TRIAL-MR"]}]'
    monkeypatch.setenv("SCANSIDE_PROFILE", given)
    (profile,) = load().settings.profile
    assert (profile.name, profile.options, profile.ae_titles) == (
        "trial",
        ("clean_descriptors",),
        ("TRIAL-MR",),
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('[{"name": "a", "options": ["retain_everything"]}]', "retain_everything"),
        ('[{"name": "a", "options": ["retain_full_dates", "retain_modified_dates"]}]', "shift"),
        (
            '[{"name": "a", "ae_titles": ["X"]}, {"name": "b", "ae_titles": ["X"]}]',
            "two profiles are for the source",
        ),
        ('[{"name": "a"}, {"name": "a"}]', "two entries are named"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, given: str, said: str) -> None:
    monkeypatch.setenv("SCANSIDE_PROFILE", given)
    told = complaint()
    assert said in told or "options" in told


def test_systemd_hands_over_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scanside.key").write_text(f"{KEY}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    loaded = load()
    assert loaded.settings.key is not None
    assert loaded.settings.key.get_secret_value() == KEY
    assert {row.name: row.origin for row in describe(loaded)}["key"] == "CREDENTIALS_DIRECTORY/scanside.key"


def test_a_ring_of_keys_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANSIDE_KEY", f"{KEY},{KEY[::-1]}")
    assert load().settings.key is not None
