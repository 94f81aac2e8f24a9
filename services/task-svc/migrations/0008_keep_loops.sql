-- oldest-program: 3
-- The view `tasks` shows another option of conversions.
INSERT INTO pb_field (message, number, name, kind, names) VALUES
    ('TaskPayload', 18, 'keep_loops', 'bool', NULL);
