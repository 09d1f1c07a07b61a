using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>
/// Keys are compared byte by byte. PostgreSQL would ask the rules of a language at each step down an index, and copy both texts for it; no row is written
/// anew, but the indexes are.
/// </summary>
[DbContext(typeof(LeadDb))]
[Migration("20261128000001_PlainKeys")]
public sealed class PlainKeys : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        if (!ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal))
            return;
        foreach (var (table, columns) in (ReadOnlySpan<(string, string[])>)
        [
            ("leads", ["executing_key"]),
            ("effects", ["effect_key", "record_id"]),
            ("intake_keys", ["key"]),
            ("companies", ["domain"]),
            ("rate_limits", ["name"]),
            // Parents first: a link is compared with the key that it points to.
            .. ((string[])["users", "campaigns", "accounts", "leads", "contacts", "opportunities", "tasks", "activities", "notes", "campaign_members"])
                .Select(t => ($"crm_{t}", (string[])["id", "record_key", "effect_key", "lookup", "name_key", "lead_id", "account_id", "opportunity_id", "campaign_id"])),
        ])
        {
            migrationBuilder.Sql($"ALTER TABLE {table} {string.Join(", ", columns.Select(c => $"ALTER COLUMN {c} TYPE text COLLATE \"C\""))}");
        }
    }
}
