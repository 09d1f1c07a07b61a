using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>
/// Ledger and audit are found by when their lead was received, and then by the lead: what is in hand together lies together at the end of the index, however
/// many leads there were before. By the lead's random id each row had a page of the index to itself, which was read, changed and logged for it.
/// </summary>
[DbContext(typeof(LeadDb))]
[Migration("20261201000002_KeysInTheOrderOfTime")]
public sealed class KeysInTheOrderOfTime : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        foreach (var statement in ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal) ? Postgres : Sqlite)
            migrationBuilder.Sql(statement);
    }

    private static readonly string[] Postgres =
    [
        // What a worker has under way is waited for.
        "LOCK TABLE leads, effects, audit_events IN ACCESS EXCLUSIVE MODE",
        // Events do not change; that they learn where they are kept is no part of them.
        "ALTER TABLE audit_events DISABLE TRIGGER audit_events_append_only",
        .. InPlace("effects", "effect_key", "updated_at"),
        .. InPlace("audit_events", "seq", "at"),
        "ALTER TABLE audit_events ENABLE TRIGGER audit_events_append_only",
    ];

    private static string[] InPlace(string table, string last, string time) =>
    [
        // First, or each row would be entered once more.
        $"""ALTER TABLE {table} DROP CONSTRAINT "PK_{table}" """,
        $"ALTER TABLE {table} ADD COLUMN received_at timestamp with time zone",
        $"UPDATE {table} t SET received_at = l.received_at FROM leads l WHERE l.id = t.lead_id",
        // Of a lead that was removed by hand.
        $"UPDATE {table} t SET received_at = f.first FROM (SELECT lead_id, MIN({time}) AS first FROM {table} WHERE received_at IS NULL GROUP BY lead_id) f WHERE f.lead_id = t.lead_id AND t.received_at IS NULL",
        $"ALTER TABLE {table} ALTER COLUMN received_at SET NOT NULL",
        $"""ALTER TABLE {table} ADD CONSTRAINT "PK_{table}" PRIMARY KEY (received_at, lead_id, {last})""",
    ];

    // A table's key cannot be changed. The tables that are left must not stay readable in free pages.
    private static readonly string[] Sqlite =
    [
        "PRAGMA secure_delete = ON",
        """
        CREATE TABLE effects_in_order (
            received_at INTEGER NOT NULL,
            lead_id TEXT NOT NULL,
            effect_key TEXT NOT NULL,
            run INTEGER NOT NULL,
            step_index INTEGER NOT NULL,
            step TEXT NOT NULL,
            tool TEXT NOT NULL,
            state TEXT NOT NULL,
            object TEXT NULL,
            record_id TEXT NULL,
            record_version TEXT NULL,
            request_hash TEXT NULL,
            sealed BLOB NULL,
            error TEXT NULL,
            updated_at INTEGER NOT NULL,
            CONSTRAINT "PK_effects" PRIMARY KEY (received_at, lead_id, effect_key)
        )
        """,
        """
        CREATE TABLE audit_events_in_order (
            received_at INTEGER NOT NULL,
            lead_id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            id TEXT NOT NULL,
            run INTEGER NULL,
            epoch INTEGER NULL,
            at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            stage TEXT NOT NULL,
            kind TEXT NOT NULL,
            payload BLOB NOT NULL,
            prev_hash BLOB NOT NULL,
            hash BLOB NOT NULL,
            CONSTRAINT "PK_audit_events" PRIMARY KEY (received_at, lead_id, seq)
        )
        """,
        .. Copied("effects", "updated_at", "lead_id, effect_key, run, step_index, step, tool, state, object, record_id, record_version, request_hash, sealed, error, updated_at"),
        .. Copied("audit_events", "at", "lead_id, seq, id, run, epoch, at, actor, stage, kind, payload, prev_hash, hash"),
        // They went with the table.
        "CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END",
        """
        CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
        WHEN NOT EXISTS (SELECT 1 FROM audit_removals r WHERE r.lead_id = OLD.lead_id AND r.removed_at >= OLD.at AND r.events >= OLD.seq)
        BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END
        """,
    ];

    private static string[] Copied(string table, string time, string columns) =>
    [
        // The second of the two is for a lead that was removed by hand.
        $"""
        INSERT INTO {table}_in_order (received_at, {columns})
            SELECT COALESCE((SELECT l.received_at FROM leads l WHERE l.id = t.lead_id), (SELECT MIN(f.{time}) FROM {table} f WHERE f.lead_id = t.lead_id)), {columns} FROM {table} t
        """,
        $"DROP TABLE {table}",
        $"ALTER TABLE {table}_in_order RENAME TO {table}",
    ];
}
