using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>Events of webhooks whose leads could not be read yet.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261125000022_DeferredEvents")]
public sealed class DeferredEvents : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var (uuid, text, at) = ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal)
            ? ("uuid", "text", "timestamp with time zone")
            : ("TEXT", "TEXT", "INTEGER");
        migrationBuilder.Sql($"""
            CREATE TABLE deferred_events (
                id {uuid} NOT NULL CONSTRAINT "PK_deferred_events" PRIMARY KEY,
                source {text} NOT NULL,
                lead_ref {text} NOT NULL,
                lead_key {text} NOT NULL,
                received_at {at} NOT NULL,
                due_at {at} NOT NULL,
                reason {text} NOT NULL
            )
            """);
        migrationBuilder.Sql("""CREATE INDEX "IX_deferred_events_due_at" ON deferred_events (due_at)""");
    }
}
