"""A study as one HTML file that needs nothing else: no server, no network, no library in the browser.

Everything in it comes from the study's manifest and tables. Numbers in tables carry the table, row, column and exact value that
they were rounded from, so that a test, or a reader, can hold them against the Parquet files. Pictures are those of
`sim.figures`, drawn beforehand, as SVG. What came from a configuration is text and is escaped as such; a
Content-Security-Policy lets nothing run but the page's own script.

    from sim.report.material import Material
    from sim.report.page import page

    html = page(Material(...))
"""
