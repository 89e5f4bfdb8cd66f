"""What is missing of the system is named with the package that brings it."""

import sim.toolchain as toolchain


def test_all_is_there_where_tests_run():
    assert toolchain.missing() == {}
    assert toolchain.main([]) == 0


def test_a_missing_program_names_its_package(monkeypatch, capsys):
    monkeypatch.setitem(toolchain.PROGRAMS, "no-such-compiler", "some-package")
    assert toolchain.missing() == {"no-such-compiler": "some-package"}
    assert toolchain.main([]) == 2
    assert "sudo apt install some-package" in capsys.readouterr().err


def test_installing_is_tried_once_and_its_failure_told(monkeypatch, capsys):
    asked = []

    def install(names):
        asked.append(names)
        return False

    monkeypatch.setitem(toolchain.PROGRAMS, "no-such-compiler", "some-package")
    monkeypatch.setattr(toolchain, "install", install)
    assert toolchain.main(["--install"]) == 2
    assert asked == [["some-package"]] and "no-such-compiler" in capsys.readouterr().err
