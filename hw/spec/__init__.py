"""What every part of the project agrees on: integer types, ports, errors, bundles. numpy only."""
