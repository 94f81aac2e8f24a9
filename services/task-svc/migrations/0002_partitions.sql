-- The lowest UUID version 7 of a UTC day.
CREATE FUNCTION task_day_start(day date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM day) * 1000)::bigint), 12, '0')
            || '00000000000000000000')::uuid
$$;

-- Makes the partitions of today and the days ahead; returns how many were new. A partition is made
-- apart and attached, which does not lock readers and writers of the others out. A day that rows
-- in the default partition belong to is left to the default partition.
CREATE FUNCTION task_make_partitions(days_ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    part text;
    day date;
    made integer := 0;
BEGIN
    FOR i IN -1 .. days_ahead LOOP
        day := (now() AT TIME ZONE 'UTC')::date + i;
        FOREACH parent IN ARRAY ARRAY['task_done', 'task_event'] LOOP
            part := parent || '_' || to_char(day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            BEGIN
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                               parent, part, task_day_start(day), task_day_start(day + 1));
                made := made + 1;
            EXCEPTION WHEN check_violation THEN
                RAISE WARNING 'rows of % are in the default partition', part;
            END;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- Drops the partitions of days before today - keep_days; returns how many.
CREATE FUNCTION task_drop_partitions(keep_days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    part text;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent IN ('task_done'::regclass, 'task_event'::regclass)
          AND c.relname ~ '_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD')
              < (now() AT TIME ZONE 'UTC')::date - keep_days
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

SELECT task_make_partitions(7);
