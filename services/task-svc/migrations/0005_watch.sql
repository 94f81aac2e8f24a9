-- oldest-program: 3
-- Watchers read events in the order of the transactions that wrote them. Rows of a program that
-- does not know the columns yet have 0 there: they are in the history, but no watcher sees them.
-- A BRIN index is small and cheap to write, for rows are appended in about this order.
ALTER TABLE task_event ADD COLUMN project text NOT NULL DEFAULT '';
ALTER TABLE task_event ADD COLUMN xact bigint NOT NULL DEFAULT 0;
CREATE INDEX task_event_xact ON task_event USING brin (xact)
    WITH (pages_per_range = 32, autosummarize = on);
