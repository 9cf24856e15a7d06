-- What was invoiced for each plan in each month, without tax; a line that is of no plan is of use beyond one, or of credits.
WITH plans AS (
  SELECT DISTINCT event ->> '$.terms.name' AS plan FROM events WHERE type IN ('SubscriptionStarted', 'PlanChanged')
)
SELECT substr(invoices.issued, 1, 7) AS month, coalesce(plans.plan, 'other') AS plan, invoices.currency,
       CAST(sum(invoice_lines.amount_minor) AS INTEGER) AS amount_minor
FROM invoice_lines
JOIN invoices ON invoices.org = invoice_lines.org AND invoices.invoice = invoice_lines.invoice
LEFT JOIN plans ON plans.plan = invoice_lines.description
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
