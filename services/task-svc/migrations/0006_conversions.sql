-- oldest-program: 3
-- The view `tasks` shows the newer fields of payloads and results, nested messages, and maps of
-- scalars.
ALTER TABLE pb_field DROP CONSTRAINT pb_field_kind_check;
ALTER TABLE pb_field ADD CONSTRAINT pb_field_kind_check CHECK (kind IN
    ('string', 'bytes', 'uint32', 'uint64', 'int32', 'bool', 'double', 'enum', 'map_uint32', 'map_scalar',
     'strings', 'message', 'messages'));
INSERT INTO pb_field (message, number, name, kind, names) VALUES
    ('TaskPayload', 14, 'gate_set', 'enum', '{unspecified,minimal,full}'),
    ('TaskPayload', 15, 'barrier_calls', 'bool', NULL),
    ('TaskPayload', 16, 'initialize_call', 'bool', NULL),
    ('TaskPayload', 17, 'global_phase_calls', 'bool', NULL),
    ('TaskPayload', 18, 'keep_loops', 'bool', NULL),
    ('TaskPayload', 19, 'inputs', 'map_scalar', NULL),
    ('TaskResult', 20, 'encoding', 'enum', '{unspecified,text,bitcode}'),
    ('TaskResult', 21, 'conversion', 'message', '{Conversion}'),
    ('Conversion', 1, 'output_bytes', 'uint64', NULL),
    ('Conversion', 2, 'num_qubits', 'uint32', NULL),
    ('Conversion', 3, 'num_results', 'uint32', NULL),
    ('Conversion', 4, 'gate_calls', 'uint64', NULL),
    ('Conversion', 5, 'measure_calls', 'uint64', NULL),
    ('Conversion', 6, 'deferred_measures', 'uint64', NULL),
    ('Conversion', 7, 'dropped_resets', 'uint64', NULL),
    ('Conversion', 8, 'capabilities', 'strings', NULL),
    ('Conversion', 9, 'why_not_base', 'string', NULL),
    ('Conversion', 10, 'check', 'message', '{QirReport}'),
    ('Conversion', 11, 'verification', 'message', '{Verification}'),
    ('QirReport', 1, 'profile', 'enum', '{unspecified,auto,base,adaptive}'),
    ('QirReport', 2, 'conforms', 'bool', NULL),
    ('QirReport', 3, 'found', 'uint64', NULL),
    ('QirReport', 4, 'violations', 'messages', '{QirViolation}'),
    ('QirViolation', 1, 'rule', 'string', NULL),
    ('QirViolation', 2, 'section', 'string', NULL),
    ('QirViolation', 3, 'text', 'string', NULL),
    ('QirViolation', 4, 'hint', 'string', NULL),
    ('QirViolation', 5, 'function', 'string', NULL),
    ('QirViolation', 6, 'block', 'string', NULL),
    ('QirViolation', 7, 'instruction', 'string', NULL),
    ('QirViolation', 8, 'detail', 'string', NULL),
    ('Verification', 1, 'equivalent', 'bool', NULL),
    ('Verification', 2, 'method', 'string', NULL),
    ('Verification', 3, 'branches', 'uint64', NULL),
    ('Verification', 4, 'deviation', 'double', NULL),
    ('ScalarEntry', 1, 'key', 'string', NULL),
    ('ScalarEntry', 2, 'value', 'message', '{Scalar}'),
    ('Scalar', 1, 'value', 'string', NULL),
    ('Scalar', 2, 'value', 'double', NULL),
    ('Scalar', 3, 'value', 'bool', NULL);

-- A stored message as JSON; NULL for NULL. Of a nested message, names[1] says which it is. A map of
-- scalars shows its values bare, as REST does.
CREATE OR REPLACE FUNCTION pb_json(message_name text, data bytea) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    pos integer := 0;
    tag bigint;
    n bigint;
    part bytea;
    real double precision;
    f pb_field%ROWTYPE;
    entry record;
    scalar jsonb;
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
        WHEN 'map_scalar' THEN
            scalar := pb_json('ScalarEntry', part);
            result := result || jsonb_build_object(f.name, coalesce(result -> f.name, '{}')
                || jsonb_build_object(coalesce(scalar ->> 'key', ''), scalar #> '{value,value}'));
        WHEN 'message' THEN
            result := result || jsonb_build_object(f.name, pb_json(f.names[1], part));
        WHEN 'messages' THEN
            result := result || jsonb_build_object(f.name, coalesce(result -> f.name, '[]')
                                                   || pb_json(f.names[1], part));
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
