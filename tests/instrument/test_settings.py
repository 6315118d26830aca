import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument import settings
from arc_instrument.domain import MAX_SEED, UserError
from arc_instrument.settings import Settings, SoundSettings


def test_a_missing_file_gives_the_defaults(tmp_path):
    assert settings.load(tmp_path / "none.toml") == Settings()


@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    seconds=st.floats(0.1, 12),
    steps=st.integers(1, 16),
    seed=st.integers(0, MAX_SEED),
    seed_locked=st.booleans(),
    strength_percent=st.integers(0, 100),
    fresh=st.booleans(),
)
def test_what_is_saved_is_loaded_again(tmp_path_factory, **values):
    path = tmp_path_factory.mktemp("settings") / "deeper" / "settings.toml"
    saved = Settings(takes_folder="/some where/töne", sound=SoundSettings(**values))
    settings.save(saved, path)
    settings.save(saved, path)
    assert settings.load(path) == saved
    assert [file.name for file in path.parent.iterdir()] == ["settings.toml"]


def test_saving_keeps_the_comments_a_person_wrote(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('version = 1\n# my own words\n[audio]\ndevice = "Scarlett"\n')
    changed = settings.load(path)
    changed.sound.steps = 3
    settings.save(changed, path)
    assert "# my own words" in path.read_text()
    assert settings.load(path).audio.device == "Scarlett"
    assert settings.load(path).sound.steps == 3


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("volume = 11\n", '"volume"'),
        ("[sound]\nstep = 4\n", '"sound.step"'),
        ("[sound]\nsteps = 17\n", '"sound.steps"'),
        ("[audio]\nblock_frames = -1\n", '"audio.block_frames"'),
        ("[sound\n", "not valid TOML"),
        ("version = 99\n", "version 99"),
    ],
)
def test_a_wrong_entry_is_one_sentence_naming_it_and_the_file(tmp_path, text, named):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        settings.load(path)
    sentence = str(caught.value)
    assert named in sentence
    assert str(path) in sentence
    assert "\n" not in sentence


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        settings.save(Settings(), tmp_path / "file" / "settings.toml")


def test_the_environment_moves_every_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ARC_INSTRUMENT_HOME", str(tmp_path))
    folders = settings.folders()
    assert all(
        path.is_relative_to(tmp_path)
        for path in (folders.config, folders.logs, folders.takes, folders.models, folders.settings_file)
    )


def test_without_it_takes_lie_in_the_music_folder(monkeypatch):
    monkeypatch.delenv("ARC_INSTRUMENT_HOME")
    assert settings.folders().takes.name == "ARC Instrument"
