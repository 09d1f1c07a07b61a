using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>What is sealed does not get any smaller: PostgreSQL need not try to compress it with every row. Rows that are there stay as they are.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261127000001_SealedColumns")]
public sealed class SealedColumns : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        if (!ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal))
            return;
        foreach (var (table, columns) in (ReadOnlySpan<(string, string[])>)
        [
            ("leads", ["body"]),
            ("lead_runs", ["snapshot", "answer", "grounding", "plan"]),
            ("effects", ["sealed"]),
            ("audit_events", ["payload"]),
        ])
        {
            migrationBuilder.Sql($"ALTER TABLE {table} {string.Join(", ", columns.Select(c => $"ALTER COLUMN {c} SET STORAGE EXTERNAL"))}");
        }
    }
}
