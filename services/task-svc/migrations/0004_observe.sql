-- oldest-program: 3
-- Counting tasks by status reads one partial index per group of states; the held ones had none.
CREATE INDEX task_active_pending ON task_active (type) WHERE state = 1;

-- Trace context of the request that created a task (16 bytes trace id, 8 bytes span id, 1 byte
-- flags): what happens to the task later belongs to the same trace.
ALTER TABLE task_active ADD COLUMN trace bytea;
ALTER TABLE task_done ADD COLUMN trace bytea;
