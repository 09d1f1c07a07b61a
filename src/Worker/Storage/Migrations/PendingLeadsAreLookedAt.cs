using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>An embedded worker that was killed twice could leave leads under way at which nobody was to look again: the sweeper takes them up.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261130000001_PendingLeadsAreLookedAt")]
public sealed class PendingLeadsAreLookedAt : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("UPDATE leads SET sweep_at = COALESCE(due_at, updated_at) WHERE pending IS NOT NULL AND sweep_at IS NULL");
}
