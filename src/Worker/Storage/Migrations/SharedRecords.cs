using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>Finds the leads that work with a CRM record, before it is withdrawn. Only rows of tools whose records are shared: the others keep to the pages they are on.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261126000001_SharedRecords")]
public sealed class SharedRecords : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("""
            CREATE INDEX "IX_effects_record_id" ON effects (record_id)
            WHERE record_id IS NOT NULL AND tool IN ('upsert_lead', 'match_account', 'create_contact', 'attach_campaign')
            """);
}
