-- oldest-program: 3
-- Jobs at outside devices: one row per task, for as long as there is the task, so that it has one
-- job at most. States: qtaskdist.v1.JobState. Costs are millionths of the provider's unit.
CREATE TABLE backend_job (
    task_id          uuid PRIMARY KEY,
    provider         text NOT NULL,
    device           text NOT NULL,
    project          text NOT NULL,
    program_hash     bytea NOT NULL,
    shots            bigint NOT NULL,
    state            smallint NOT NULL,
    submit_seq       integer NOT NULL DEFAULT 1,
    doubt_until      timestamptz NOT NULL,
    job_id           text,
    provider_status  text NOT NULL DEFAULT '',
    queue_position   bigint NOT NULL DEFAULT 0,
    cost             bigint,
    estimated_cost   bigint NOT NULL DEFAULT 0,
    detached         boolean NOT NULL DEFAULT false,
    cancel_count     integer NOT NULL DEFAULT 0,
    message          text NOT NULL DEFAULT '',
    layout           text NOT NULL DEFAULT '',
    result           bytea,
    created_at       timestamptz NOT NULL DEFAULT now(),
    status_at        timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CHECK (job_id IS NOT NULL OR state NOT IN (3, 4, 5))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX backend_job_id ON backend_job (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX backend_job_open ON backend_job (provider, task_id) WHERE state IN (1, 2, 3);
CREATE INDEX backend_job_spend ON backend_job (project, provider, created_at);

-- Which replica polls a provider for all.
CREATE TABLE backend_poller (
    provider text PRIMARY KEY,
    holder   text NOT NULL,
    until    timestamptz NOT NULL
);

-- What a project may spend at a provider within SPEND_DAYS, in the provider's unit; the setting
-- SPEND_LIMIT holds without a row.
CREATE TABLE project_spend (
    project    text NOT NULL,
    provider   text NOT NULL,
    max_amount numeric NOT NULL CHECK (max_amount >= 0),
    PRIMARY KEY (project, provider)
);
