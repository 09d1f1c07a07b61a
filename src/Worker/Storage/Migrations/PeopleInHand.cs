using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>
/// The person that a lead is executed for is held in a table of its own, which is as small as what is in hand. As an indexed column of the lead it made every
/// taking and leaving an entry in all of the lead's indexes. With room for three more versions on its page, nearly every change of a lead stays there.
/// </summary>
[DbContext(typeof(LeadDb))]
[Migration("20261129000001_PeopleInHand")]
public sealed class PeopleInHand : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var postgres = ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal);
        // Before anything is read: what a worker had under way would be missed by the copy and undone by the column's end.
        if (postgres)
            migrationBuilder.Sql("LOCK TABLE leads IN ACCESS EXCLUSIVE MODE");
        migrationBuilder.Sql($"""
            CREATE TABLE people_in_hand (
                record_key {(postgres ? "text COLLATE \"C\"" : "TEXT")} NOT NULL CONSTRAINT "PK_people_in_hand" PRIMARY KEY,
                lead_id {(postgres ? "uuid" : "TEXT")} NOT NULL
            )
            """);
        migrationBuilder.Sql("INSERT INTO people_in_hand (record_key, lead_id) SELECT executing_key, id FROM leads WHERE executing_key IS NOT NULL");
        migrationBuilder.Sql("""DROP INDEX "IX_leads_executing_key" """);
        migrationBuilder.Sql("ALTER TABLE leads DROP COLUMN executing_key");
        if (postgres)
            migrationBuilder.Sql("ALTER TABLE leads SET (fillfactor = 35)");
    }
}
