using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>How a model was asked for an analysis, and by what an equal question is found.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261123000001_ModelCalls")]
public sealed class ModelCalls : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var text = ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal) ? "text" : "TEXT";
        migrationBuilder.Sql($"ALTER TABLE lead_runs ADD COLUMN question_hash {text} NULL");
        migrationBuilder.Sql($"ALTER TABLE lead_runs ADD COLUMN model_call {text} NULL");
        migrationBuilder.Sql("""CREATE INDEX "IX_lead_runs_question_hash" ON lead_runs (question_hash) WHERE question_hash IS NOT NULL""");
    }
}
