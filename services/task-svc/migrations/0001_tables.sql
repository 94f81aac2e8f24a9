-- Tasks that are not final: small and changed often. State numbers: docs/task-states.md.
CREATE TABLE task_active (
    id            uuid PRIMARY KEY,
    project       text NOT NULL,
    type          smallint NOT NULL,
    priority      smallint NOT NULL,
    state         smallint NOT NULL,
    attempt       integer NOT NULL,
    retry_count   integer NOT NULL,
    max_retries   integer NOT NULL,
    crash_count   integer NOT NULL,
    progress      integer NOT NULL,
    dispatch_seq  integer NOT NULL,
    fence         bigint NOT NULL,
    outcome_key   bigint NOT NULL,
    worker_key    bigint NOT NULL,
    version       bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    scheduled_for timestamptz,
    run_at        timestamptz NOT NULL,
    dispatched_at timestamptz,
    started_at    timestamptz,
    error         text,
    error_reason  text,
    spec          bytea NOT NULL,
    meta_data     jsonb NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);

CREATE INDEX task_active_ready ON task_active (type, priority, project, run_at, id) WHERE state = 4;
CREATE INDEX task_active_due ON task_active (run_at) WHERE state IN (2, 3);
CREATE INDEX task_active_dispatched ON task_active (type, priority, dispatched_at) WHERE state = 5;
CREATE INDEX task_active_held ON task_active (worker_key) WHERE state IN (6, 7);

-- Final tasks: written once, one partition per UTC day of the id, dropped whole.
CREATE TABLE task_done (
    id            uuid PRIMARY KEY,
    project       text NOT NULL,
    type          smallint NOT NULL,
    priority      smallint NOT NULL,
    state         smallint NOT NULL,
    attempt       integer NOT NULL,
    retry_count   integer NOT NULL,
    max_retries   integer NOT NULL,
    crash_count   integer NOT NULL,
    progress      integer NOT NULL,
    dispatch_seq  integer NOT NULL,
    fence         bigint NOT NULL,
    outcome_key   bigint NOT NULL,
    worker_key    bigint NOT NULL,
    version       bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    scheduled_for timestamptz,
    run_at        timestamptz NOT NULL,
    dispatched_at timestamptz,
    started_at    timestamptz,
    error         text,
    error_reason  text,
    spec          bytea NOT NULL,
    meta_data     jsonb NOT NULL,
    finished_at   timestamptz NOT NULL,
    result        bytea
) PARTITION BY RANGE (id);
CREATE TABLE task_done_default PARTITION OF task_done DEFAULT;

-- What happened to each task, partitioned alike.
CREATE TABLE task_event (
    task_id     uuid NOT NULL,
    version     bigint NOT NULL,
    at          timestamptz NOT NULL,
    from_status smallint NOT NULL,
    to_status   smallint NOT NULL,
    reason      text NOT NULL,
    attempt     integer NOT NULL,
    PRIMARY KEY (task_id, version)
) PARTITION BY RANGE (task_id);
CREATE TABLE task_event_default PARTITION OF task_event DEFAULT;

-- Idempotency keys. They cannot be a unique index of a partitioned table.
CREATE TABLE idem (
    project      text NOT NULL,
    key          text NOT NULL,
    task_id      uuid NOT NULL,
    request_hash bigint NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (project, key)
);
CREATE INDEX idem_expires ON idem (expires_at);

-- One row per worker process: its lease covers all tasks that it holds. The key is a hash of the
-- name.
CREATE TABLE worker (
    key         bigint PRIMARY KEY,
    name        text NOT NULL,
    lease_until timestamptz NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    held        integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- Per task type: identity of the Redis data that its dispatched rows are in.
CREATE TABLE queue_cfg (
    type  smallint PRIMARY KEY,
    epoch text NOT NULL DEFAULT ''
);
INSERT INTO queue_cfg (type) VALUES (1), (2), (3);

-- Share of a project in the window; 1 without a row.
CREATE TABLE project_cfg (
    project text PRIMARY KEY,
    weight  integer NOT NULL CHECK (weight BETWEEN 1 AND 1000)
);

-- One step is a block of fences for one transaction.
CREATE SEQUENCE task_fence INCREMENT BY 10000;
