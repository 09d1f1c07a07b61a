using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>The analysis as the person who approved a run has corrected it, sealed with the lead's key.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261125000061_ReviewCorrections")]
public sealed class ReviewCorrections : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var bytes = ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal) ? "bytea" : "BLOB";
        migrationBuilder.Sql($"ALTER TABLE review_verdicts ADD COLUMN corrections {bytes} NULL");
    }
}
