-- The view `tasks` for people with psql: both tables, with payload and result as JSON.
-- The stored bytes are protobuf messages without nested messages; pb_field says what is in them.
CREATE TABLE pb_field (
    message text NOT NULL,
    number  integer NOT NULL,
    name    text NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('string', 'bytes', 'uint32', 'int32', 'bool', 'double',
                                          'enum', 'map_uint32', 'strings')),
    names   text[],
    PRIMARY KEY (message, number)
);
INSERT INTO pb_field (message, number, name, kind, names) VALUES
    ('TaskPayload', 1, 'circuit_type', 'enum', '{unspecified,qasm,openqasm2,openqasm3,qir,ionq,braket,qiskit,cirq}'),
    ('TaskPayload', 2, 'circuit_data', 'string', NULL),
    ('TaskPayload', 3, 'shots', 'uint32', NULL),
    ('TaskPayload', 4, 'seed', 'uint32', NULL),
    ('TaskPayload', 5, 'simulator_id', 'string', NULL),
    ('TaskPayload', 6, 'method', 'enum', '{unspecified,auto,statevector,stabilizer,density_matrix}'),
    ('TaskPayload', 7, 'target', 'enum', '{unspecified,qir_1_0,qir_2_0,openqasm2,openqasm3,ionq,braket}'),
    ('TaskPayload', 8, 'profile', 'enum', '{unspecified,auto,base,adaptive}'),
    ('TaskPayload', 9, 'encoding', 'enum', '{unspecified,text,bitcode}'),
    ('TaskPayload', 10, 'entry_point', 'string', NULL),
    ('TaskPayload', 11, 'verify', 'bool', NULL),
    ('TaskPayload', 12, 'backend_name', 'string', NULL),
    ('TaskPayload', 13, 'wait_for_completion', 'bool', NULL),
    ('TaskResult', 1, 'job_id', 'string', NULL),
    ('TaskResult', 2, 'status', 'string', NULL),
    ('TaskResult', 3, 'shots', 'uint32', NULL),
    ('TaskResult', 4, 'measurements', 'map_uint32', NULL),
    ('TaskResult', 5, 'seed', 'uint32', NULL),
    ('TaskResult', 6, 'method', 'string', NULL),
    ('TaskResult', 7, 'seconds', 'double', NULL),
    ('TaskResult', 8, 'num_qubits', 'uint32', NULL),
    ('TaskResult', 9, 'num_clbits', 'uint32', NULL),
    ('TaskResult', 10, 'backend_name', 'string', NULL),
    ('TaskResult', 11, 'warnings', 'strings', NULL),
    ('TaskResult', 12, 'text', 'string', NULL),
    ('TaskResult', 13, 'bitcode', 'bytes', NULL),
    ('TaskResult', 14, 'target', 'enum', '{unspecified,qir_1_0,qir_2_0,openqasm2,openqasm3,ionq,braket}'),
    ('TaskResult', 15, 'profile', 'enum', '{unspecified,auto,base,adaptive}');

-- Reads a varint at pos (from 0) of the bytes.
CREATE FUNCTION pb_varint(data bytea, INOUT pos integer, OUT value bigint)
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    byte integer;
    shift integer := 0;
BEGIN
    value := 0;
    LOOP
        byte := get_byte(data, pos);
        pos := pos + 1;
        value := value | ((byte & 127)::bigint << shift);
        EXIT WHEN byte < 128;
        shift := shift + 7;
    END LOOP;
END
$$;

-- The IEEE double in 8 little-endian bytes at pos.
CREATE FUNCTION pb_double(data bytea, pos integer) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    high bigint := 0;
    exponent integer;
    mantissa double precision;
BEGIN
    FOR i IN REVERSE 7 .. 0 LOOP
        high := (high << 8) | get_byte(data, pos + i);
    END LOOP;
    exponent := ((high >> 52) & 2047)::integer;
    mantissa := (high & 4503599627370495)::double precision;
    IF exponent = 2047 THEN
        RETURN CASE WHEN mantissa > 0 THEN 'NaN' WHEN high < 0 THEN '-Infinity' ELSE 'Infinity' END;
    END IF;
    IF exponent = 0 THEN
        mantissa := mantissa / 4503599627370496.0;
        exponent := 1;
    ELSE
        mantissa := 1.0 + mantissa / 4503599627370496.0;
    END IF;
    RETURN CASE WHEN high < 0 THEN -1 ELSE 1 END * mantissa * power(2.0::double precision, exponent - 1023);
END
$$;

-- One entry of a map<string, uint32>.
CREATE FUNCTION pb_map_entry(data bytea, OUT key text, OUT value bigint)
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    pos integer := 0;
    tag bigint;
    n bigint;
BEGIN
    key := '';
    value := 0;
    WHILE pos < length(data) LOOP
        SELECT v.pos, v.value INTO pos, tag FROM pb_varint(data, pos) v;
        SELECT v.pos, v.value INTO pos, n FROM pb_varint(data, pos) v;
        IF tag = 10 THEN
            key := convert_from(substr(data, pos + 1, n::integer), 'UTF8');
            pos := pos + n::integer;
        ELSE
            value := n;
        END IF;
    END LOOP;
END
$$;

-- A stored message as JSON; NULL for NULL.
CREATE FUNCTION pb_json(message_name text, data bytea) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    pos integer := 0;
    tag bigint;
    n bigint;
    part bytea;
    real double precision;
    f pb_field%ROWTYPE;
    entry record;
    result jsonb := '{}';
BEGIN
    WHILE pos < length(data) LOOP
        SELECT v.pos, v.value INTO pos, tag FROM pb_varint(data, pos) v;
        SELECT * INTO f FROM pb_field p WHERE p.message = message_name AND p.number = tag >> 3;
        CASE tag & 7
        WHEN 0 THEN
            SELECT v.pos, v.value INTO pos, n FROM pb_varint(data, pos) v;
        WHEN 1 THEN
            real := pb_double(data, pos);
            pos := pos + 8;
        WHEN 2 THEN
            SELECT v.pos, v.value INTO pos, n FROM pb_varint(data, pos) v;
            part := substr(data, pos + 1, n::integer);
            pos := pos + n::integer;
        ELSE
            RETURN result;
        END CASE;
        CONTINUE WHEN f.name IS NULL;
        CASE f.kind
        WHEN 'string' THEN
            result := result || jsonb_build_object(f.name, convert_from(part, 'UTF8'));
        WHEN 'bytes' THEN
            result := result || jsonb_build_object(f.name, translate(encode(part, 'base64'), E'\n', ''));
        WHEN 'double' THEN
            result := result || jsonb_build_object(f.name, real);
        WHEN 'bool' THEN
            result := result || jsonb_build_object(f.name, n <> 0);
        WHEN 'enum' THEN
            result := result || jsonb_build_object(f.name, coalesce(f.names[n + 1], n::text));
        WHEN 'map_uint32' THEN
            SELECT * INTO entry FROM pb_map_entry(part);
            result := jsonb_set(result || jsonb_build_object(f.name, coalesce(result -> f.name, '{}')),
                                ARRAY[f.name, entry.key], to_jsonb(entry.value));
        WHEN 'strings' THEN
            result := result || jsonb_build_object(f.name, coalesce(result -> f.name, '[]')
                                                   || to_jsonb(convert_from(part, 'UTF8')));
        ELSE
            result := result || jsonb_build_object(f.name, n);
        END CASE;
    END LOOP;
    RETURN result;
END
$$;

CREATE FUNCTION task_type_name(type smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT ('{simulate,c_qir_convert,backend_run}'::text[])[type]
$$;

CREATE FUNCTION task_status_name(state smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT ('{pending,pending,queued,queued,queued,processing,cancelling,completed,failed,cancelled}'::text[])[state]
$$;

CREATE VIEW tasks AS
SELECT id AS task_id, task_type_name(type) AS task_type, task_status_name(state) AS status,
       pb_json('TaskPayload', spec) AS payload, NULL::jsonb AS result, error, retry_count,
       max_retries, created_at, updated_at, scheduled_for, meta_data, error_reason,
       ('{low,normal,high}'::text[])[priority] AS priority, project, attempt, started_at,
       NULL::timestamptz AS finished_at, progress, version
FROM task_active
UNION ALL
SELECT id, task_type_name(type), task_status_name(state), pb_json('TaskPayload', spec),
       pb_json('TaskResult', result), error, retry_count, max_retries, created_at, updated_at,
       scheduled_for, meta_data, error_reason, ('{low,normal,high}'::text[])[priority], project,
       attempt, started_at, finished_at, progress, version
FROM task_done;
