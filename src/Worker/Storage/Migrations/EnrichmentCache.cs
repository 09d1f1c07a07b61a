using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>Answers of an enrichment service.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261125000062_EnrichmentCache")]
public sealed class EnrichmentCache : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var (text, at) = ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal) ? ("text", "timestamp with time zone") : ("TEXT", "INTEGER");
        migrationBuilder.Sql($"""CREATE TABLE enrichment_cache (key {text} NOT NULL CONSTRAINT "PK_enrichment_cache" PRIMARY KEY, facts {text} NULL, fetched_at {at} NOT NULL)""");
    }
}
