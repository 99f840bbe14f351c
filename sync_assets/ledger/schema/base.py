"""The metadata that all tables belong to, with the naming of their constraints."""

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_name)s",
        "uq": "%(table_name)s_%(column_0_name)s_is_unique",
        "ck": "%(constraint_name)s",
        "pk": "%(table_name)s_key",
    }
)
