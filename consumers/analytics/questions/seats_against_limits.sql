-- Who may be in each space by a grant, to themselves or to a group of theirs, against what its plan allows.
WITH seats AS (
  SELECT org, space, substr(subject, 6) AS user_id FROM access WHERE subject LIKE 'user:%'
  UNION
  SELECT access.org, access.space, group_members.user_id FROM access
  JOIN group_members ON group_members.org = access.org AND 'group:' || group_members.group_id = access.subject
)
SELECT limits.org, limits.space, count(seats.user_id) AS seats, limits.limit_value
FROM limits LEFT JOIN seats ON seats.org = limits.org AND seats.space = limits.space
WHERE limits.meter = 'members' GROUP BY limits.org, limits.space, limits.limit_value ORDER BY limits.org, limits.space
