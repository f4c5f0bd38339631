"""The store and the studies, read without a line of this project's code: pandas, polars, DuckDB."""

from pathlib import Path

import pandas as pd
import pytest

from sim import OUTCOMES
from tests.processes import table

WHERE = Path("results/blocks/outcomes")


@pytest.fixture
def expected(results) -> dict[str, float]:
    """By scenario, the sum of base attacks over its replications, from the study's own table."""
    return table("outcomes", results=results).groupby("scenario")["base_attacks"].sum().astype(float).to_dict()


def test_pandas_reads_blocks_index_and_series_as_folders(results, expected):
    blocks = pd.read_parquet(WHERE)
    assert list(blocks.columns) == ["scenario", "seed", "replication", *(outcome.name for outcome in OUTCOMES)]
    assert blocks.groupby("scenario")["base_attacks"].sum().to_dict() == expected
    index = pd.read_parquet("results/blocks/index")
    assert index["rows"].sum() == len(blocks)
    assert index["weeks"].sum() == len(pd.read_parquet("results/blocks/weekly")) == len(table("weekly"))


def test_polars_reads_blocks(results, expected):
    polars = pytest.importorskip("polars")
    found = polars.scan_parquet(WHERE / "*.parquet").group_by("scenario").agg(polars.sum("base_attacks")).collect()
    assert dict(found.iter_rows()) == expected


def test_duckdb_queries_blocks_with_their_index_and_the_studies(results, expected):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT scenario, sum(base_attacks) FROM '{WHERE}/*.parquet' GROUP BY scenario").fetchall()
        assert dict(found) == expected
        (rows,) = connection.execute(
            f"""SELECT count(*) FROM '{WHERE}/*.parquet' AS o JOIN 'results/blocks/index/*.parquet' AS i
            ON o.scenario = i.scenario AND o.seed = i.seed AND o.replication BETWEEN i.first AND i.first + i.count - 1"""
        ).fetchone()
        assert rows == len(table("outcomes"))
        both = connection.execute("SELECT schedule, count(*) FROM 'results/studies/*/outcomes.parquet' GROUP BY ALL").fetchall()
        assert dict(both) == {"open_ended": 3, "rapid_6_months": 3}
