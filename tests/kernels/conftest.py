"""Prints how many output codes the kernels' tests compared with golden."""

COMPARED = "outputs compared"


def pytest_terminal_summary(terminalreporter):
    total = sum(
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == COMPARED and getattr(report, "when", "") == "call"
    )
    if total:
        terminalreporter.write_line(f"kernels: {total:,} outputs compared with golden")
