using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>
/// What could be found without them: a record of the mock CRM has an id that follows from its effect key, so that the primary key finds it by either and
/// keeps both unique; and by their lead the shared records are only removed, many leads at a time and months later.
/// </summary>
[DbContext(typeof(LeadDb))]
[Migration("20261201000001_FewerIndexes")]
public sealed class FewerIndexes : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        foreach (var table in (string[])["users", "campaigns", "accounts", "leads", "contacts", "opportunities", "tasks", "activities", "notes", "campaign_members"])
            migrationBuilder.Sql($"DROP INDEX \"IX_crm_{table}_effect_key\"");
        migrationBuilder.Sql("""DROP INDEX "IX_shared_records_lead_id" """);
    }
}
