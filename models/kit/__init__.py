"""Building blocks of the models: money, ids, refusals; engine, columns, settings, timeline."""
