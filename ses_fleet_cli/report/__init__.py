"""The report of a run: one HTML file to be sent around, without scripts, outside resources and people's addresses.

A run's record becomes a Report (`content`, `tables`), and the Report becomes a page (`page`, with `report.html.jinja`
and `report.css`).
"""
