"""How each public set of videos lies in its folder."""
