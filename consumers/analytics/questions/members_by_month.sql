-- How many memberships there were at the end of each month, over all organizations.
WITH changes AS (
  SELECT substr(time, 1, 7) AS month, CASE type WHEN 'MemberAdded' THEN 1 ELSE -1 END AS change
  FROM events WHERE type IN ('MemberAdded', 'MemberRemoved')
), monthly AS (
  SELECT month, sum(change) AS change FROM changes GROUP BY month
)
SELECT month, CAST(sum(change) OVER (ORDER BY month) AS INTEGER) AS members FROM monthly ORDER BY month
