"""The foldings that fit a board at the rate asked, and those found before."""
