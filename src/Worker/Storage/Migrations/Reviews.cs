using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>What people decided about runs that waited for them.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261124000060_Reviews")]
public sealed class Reviews : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var (uuid, text, number, at) = ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal)
            ? ("uuid", "text", "integer", "timestamp with time zone")
            : ("TEXT", "TEXT", "INTEGER", "INTEGER");
        migrationBuilder.Sql($"""
            CREATE TABLE review_verdicts (
                id {uuid} NOT NULL CONSTRAINT "PK_review_verdicts" PRIMARY KEY,
                lead_id {uuid} NOT NULL,
                run {number} NOT NULL,
                verdict {text} NOT NULL,
                actor {text} NOT NULL,
                at {at} NOT NULL
            )
            """);
        migrationBuilder.Sql("""CREATE INDEX "IX_review_verdicts_lead_id" ON review_verdicts (lead_id)""");
    }
}
