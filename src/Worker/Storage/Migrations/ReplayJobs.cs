using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>Replays of dead letters that outlive a worker, edits of their messages, and what people did about dead letters that have no lead.</summary>
[DbContext(typeof(LeadDb))]
[Migration("20261125000071_ReplayJobs")]
public sealed class ReplayJobs : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var (uuid, text, number, at, bytes) = ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal)
            ? ("uuid", "text", "integer", "timestamp with time zone", "bytea")
            : ("TEXT", "TEXT", "INTEGER", "INTEGER", "BLOB");
        migrationBuilder.Sql($"""
            CREATE TABLE replay_jobs (
                id {uuid} NOT NULL CONSTRAINT "PK_replay_jobs" PRIMARY KEY,
                version {number} NOT NULL,
                state {text} NOT NULL,
                ordered_by {text} NOT NULL,
                ordered_at {at} NOT NULL,
                updated_at {at} NOT NULL,
                owner {number} NULL,
                pace {text} NOT NULL,
                items {text} NOT NULL,
                progress {text} NOT NULL
            )
            """);
        migrationBuilder.Sql("""CREATE INDEX "IX_replay_jobs_state" ON replay_jobs (state)""");
        migrationBuilder.Sql($"""
            CREATE TABLE dead_letter_acts (
                id {uuid} NOT NULL CONSTRAINT "PK_dead_letter_acts" PRIMARY KEY,
                dead_letter_id {uuid} NULL,
                fingerprint {text} NULL,
                at {at} NOT NULL,
                actor {text} NOT NULL,
                act {text} NOT NULL,
                detail {bytes} NULL
            )
            """);
        migrationBuilder.Sql($"""
            CREATE TABLE dead_letter_edits (
                id {uuid} NOT NULL CONSTRAINT "PK_dead_letter_edits" PRIMARY KEY,
                dead_letter_id {uuid} NOT NULL,
                state {text} NOT NULL,
                requested_by {text} NOT NULL,
                requested_at {at} NOT NULL,
                decided_by {text} NULL,
                message_id {uuid} NOT NULL,
                base_hash {text} NOT NULL,
                detail {bytes} NULL
            )
            """);
        migrationBuilder.Sql("""CREATE INDEX "IX_dead_letter_edits_state" ON dead_letter_edits (state)""");
        migrationBuilder.Sql("""CREATE INDEX "IX_dead_letter_acts_dead_letter_id" ON dead_letter_acts (dead_letter_id)""");
        migrationBuilder.Sql("""CREATE INDEX "IX_dead_letter_acts_fingerprint" ON dead_letter_acts (fingerprint)""");
    }
}
