using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace LeadPipeline.Worker.Storage.Migrations;

/// <summary>
/// Further runs of a lead, and the one way out of the audit: events may be deleted when a row of <c>audit_removals</c> names their chain, and
/// such a row can only be written for a lead that is erased, with the length and the end that its chain really has. That row stays.
/// </summary>
[DbContext(typeof(LeadDb))]
[Migration("20261123000000_RunsAndErasure")]
public sealed class RunsAndErasure : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        foreach (var statement in ActiveProvider!.EndsWith("PostgreSQL", StringComparison.Ordinal) ? Postgres : Sqlite)
            migrationBuilder.Sql(statement);
    }

    private static readonly string[] Indexes =
    [
        """CREATE INDEX "IX_intake_keys_lead_id" ON intake_keys (lead_id)""",
        """CREATE INDEX "IX_lead_aliases_lead_id" ON lead_aliases (lead_id)""",
        """CREATE INDEX "IX_dead_letters_lead_id" ON dead_letters (lead_id)""",
    ];

    private static readonly string[] Postgres =
    [
        "ALTER TABLE leads ADD COLUMN again boolean NOT NULL DEFAULT false",
        .. Indexes,
        """
        CREATE TABLE audit_removals (
            lead_id uuid NOT NULL,
            removed_at timestamp with time zone NOT NULL,
            events integer NOT NULL,
            head bytea NOT NULL,
            actor text NOT NULL,
            CONSTRAINT "PK_audit_removals" PRIMARY KEY (lead_id, removed_at)
        )
        """,
        """
        CREATE FUNCTION audit_removals_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'audit_removals is append-only';
        END $$
        """,
        """
        CREATE TRIGGER audit_removals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_removals
            FOR EACH STATEMENT EXECUTE FUNCTION audit_removals_is_append_only()
        """,
        """
        CREATE FUNCTION audit_removal_is_of_an_erased_lead() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM leads WHERE id = NEW.lead_id AND status = 'Erased' AND audit_seq = NEW.events AND audit_head = NEW.head) THEN
                RAISE EXCEPTION 'only the whole audit chain of an erased lead can be removed';
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER audit_removals_checked BEFORE INSERT ON audit_removals
            FOR EACH ROW EXECUTE FUNCTION audit_removal_is_of_an_erased_lead()
        """,
        """
        CREATE FUNCTION audit_event_is_removed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM audit_removals r WHERE r.lead_id = OLD.lead_id AND r.removed_at >= OLD.at AND r.events >= OLD.seq) THEN
                RAISE EXCEPTION 'audit_events is append-only';
            END IF;
            RETURN OLD;
        END $$
        """,
        "DROP TRIGGER audit_events_append_only ON audit_events",
        """
        CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR TRUNCATE ON audit_events
            FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
        """,
        """
        CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
            FOR EACH ROW EXECUTE FUNCTION audit_event_is_removed()
        """,
    ];

    private static readonly string[] Sqlite =
    [
        "ALTER TABLE leads ADD COLUMN again INTEGER NOT NULL DEFAULT 0",
        .. Indexes,
        """
        CREATE TABLE audit_removals (
            lead_id TEXT NOT NULL,
            removed_at INTEGER NOT NULL,
            events INTEGER NOT NULL,
            head BLOB NOT NULL,
            actor TEXT NOT NULL,
            CONSTRAINT "PK_audit_removals" PRIMARY KEY (lead_id, removed_at)
        )
        """,
        "CREATE TRIGGER audit_removals_no_update BEFORE UPDATE ON audit_removals BEGIN SELECT RAISE(ABORT, 'audit_removals is append-only'); END",
        "CREATE TRIGGER audit_removals_no_delete BEFORE DELETE ON audit_removals BEGIN SELECT RAISE(ABORT, 'audit_removals is append-only'); END",
        """
        CREATE TRIGGER audit_removals_checked BEFORE INSERT ON audit_removals
        WHEN NOT EXISTS (SELECT 1 FROM leads WHERE id = NEW.lead_id AND status = 'Erased' AND audit_seq = NEW.events AND audit_head = NEW.head)
        BEGIN SELECT RAISE(ABORT, 'only the whole audit chain of an erased lead can be removed'); END
        """,
        "DROP TRIGGER audit_events_no_delete",
        """
        CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
        WHEN NOT EXISTS (SELECT 1 FROM audit_removals r WHERE r.lead_id = OLD.lead_id AND r.removed_at >= OLD.at AND r.events >= OLD.seq)
        BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END
        """,
    ];
}
