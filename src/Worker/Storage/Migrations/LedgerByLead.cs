using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>
/// A lead's ledger rows lie together in the one index that they have, and what changes of a row is in none, so that a change writes the row and nothing else.
/// Which leads work with a record of the CRM is kept in a table of its own: an index on the ledger's column, however few rows it holds, would have to be
/// written whenever any row gets its record.
/// </summary>
[DbContext(typeof(LeadDb))]
[Migration("20261129000002_LedgerByLead")]
public sealed class LedgerByLead : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var postgres = ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal);
        // The table that is left must not stay readable in free pages; and what a worker has under way is waited for.
        migrationBuilder.Sql(postgres ? "LOCK TABLE effects IN ACCESS EXCLUSIVE MODE" : "PRAGMA secure_delete = ON");
        foreach (var statement in (string[])[.. Shared(postgres), .. postgres ? Postgres : Sqlite])
            migrationBuilder.Sql(statement);
    }

    private static string[] Shared(bool postgres) =>
    [
        $"""
        CREATE TABLE shared_records (
            record_id {(postgres ? "text COLLATE \"C\"" : "TEXT")} NOT NULL,
            lead_id {(postgres ? "uuid" : "TEXT")} NOT NULL,
            CONSTRAINT "PK_shared_records" PRIMARY KEY (record_id, lead_id)
        )
        """,
        """
        INSERT INTO shared_records (record_id, lead_id)
            SELECT DISTINCT record_id, lead_id FROM effects
            WHERE record_id IS NOT NULL AND tool IN ('upsert_lead', 'match_account', 'create_contact', 'attach_campaign')
        """,
        """CREATE INDEX "IX_shared_records_lead_id" ON shared_records (lead_id)""",
        """DROP INDEX "IX_effects_record_id" """,
        """DROP INDEX "IX_effects_lead_id_run" """,
    ];

    private static readonly string[] Postgres =
    [
        """ALTER TABLE effects DROP CONSTRAINT "PK_effects" """,
        """ALTER TABLE effects ADD CONSTRAINT "PK_effects" PRIMARY KEY (lead_id, effect_key)""",
    ];

    // A table's key cannot be changed.
    private static readonly string[] Sqlite =
    [
        """
        CREATE TABLE effects_by_lead (
            effect_key TEXT NOT NULL,
            lead_id TEXT NOT NULL,
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
            CONSTRAINT "PK_effects" PRIMARY KEY (lead_id, effect_key)
        )
        """,
        """
        INSERT INTO effects_by_lead (effect_key, lead_id, run, step_index, step, tool, state, object, record_id, record_version, request_hash, sealed, error, updated_at)
            SELECT effect_key, lead_id, run, step_index, step, tool, state, object, record_id, record_version, request_hash, sealed, error, updated_at FROM effects
        """,
        "DROP TABLE effects",
        "ALTER TABLE effects_by_lead RENAME TO effects",
    ];
}
