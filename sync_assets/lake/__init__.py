"""The lake: observations as Parquet files, one per asset partition, replaced atomically.

`Lake` stores and reads them, `LakeViews` shows them to DuckDB. Both are plain Python. What ties
them to Dagster, the IO manager and the resource, is in `sync_assets.lake.resources`, so that
logic and commands use the lake without importing Dagster.

Nothing here imports pandas, pyarrow or DuckDB before it needs them: the definitions load in
every Dagster process, and most of those never touch a table.
"""

from sync_assets.lake.problems import AbsentError, LakeError
from sync_assets.lake.storage import Lake
from sync_assets.lake.views import LakeViews
from sync_assets.lake.writing import Written

__all__ = ["AbsentError", "Lake", "LakeError", "LakeViews", "Written"]
