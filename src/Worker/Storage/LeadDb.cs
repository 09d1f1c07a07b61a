using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// The tables as EF Core sees them: for migrations, listings and everything else that is not on a lead's hot path.
/// </summary>
public sealed class LeadDb(DbContextOptions<LeadDb> options) : DbContext(options)
{
    private const string ByteByByte = "C";

    public DbSet<LeadRow> Leads => Set<LeadRow>();
    public DbSet<LeadRunRow> Runs => Set<LeadRunRow>();
    public DbSet<EffectRow> Effects => Set<EffectRow>();
    public DbSet<AuditRow> AuditEvents => Set<AuditRow>();
    public DbSet<AuditRemovalRow> AuditRemovals => Set<AuditRemovalRow>();
    public DbSet<IntakeKeyRow> IntakeKeys => Set<IntakeKeyRow>();
    public DbSet<LeadAliasRow> Aliases => Set<LeadAliasRow>();
    public DbSet<DeadLetterRow> DeadLetters => Set<DeadLetterRow>();
    public DbSet<ReplayJobRow> ReplayJobs => Set<ReplayJobRow>();
    public DbSet<DeadLetterEditRow> DeadLetterEdits => Set<DeadLetterEditRow>();
    public DbSet<DeadLetterActRow> DeadLetterActs => Set<DeadLetterActRow>();
    public DbSet<ReviewVerdictRow> ReviewVerdicts => Set<ReviewVerdictRow>();
    public DbSet<DirectoryRow> Companies => Set<DirectoryRow>();
    public DbSet<MetaRow> Meta => Set<MetaRow>();
    public DbSet<ApprovalRow> Approvals => Set<ApprovalRow>();

    /// <inheritdoc/>
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        // SQLite cannot compare or order the provider's own form of a time; ticks it can.
        if (Database.IsSqlite())
            configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UtcTicks>();
    }

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<LeadRow>(e =>
        {
            e.ToTable("leads").HasKey(x => x.Id);
            e.HasIndex(x => x.SweepAt).HasFilter("sweep_at IS NOT NULL").HasDatabaseName("IX_leads_sweep_at");
            e.HasIndex(x => x.ReceivedAt).HasDatabaseName("IX_leads_received_at");
        });
        modelBuilder.Entity<PersonInHandRow>(e => e.ToTable("people_in_hand").HasKey(x => x.RecordKey));
        modelBuilder.Entity<LeadRunRow>(e =>
        {
            e.ToTable("lead_runs").HasKey(x => new { x.LeadId, x.Run });
            e.HasIndex(x => x.QuestionHash).HasFilter("question_hash IS NOT NULL").HasDatabaseName("IX_lead_runs_question_hash");
        });
        // Of what changes nothing is in an index: then a change writes the row alone.
        modelBuilder.Entity<EffectRow>(e => e.ToTable("effects").HasKey(x => new { x.ReceivedAt, x.LeadId, x.EffectKey }));
        modelBuilder.Entity<SharedRecordRow>(e => e.ToTable("shared_records").HasKey(x => new { x.RecordId, x.LeadId }));
        modelBuilder.Entity<AuditRow>(e => e.ToTable("audit_events").HasKey(x => new { x.ReceivedAt, x.LeadId, x.Seq }));
        modelBuilder.Entity<AuditRemovalRow>(e => e.ToTable("audit_removals").HasKey(x => new { x.LeadId, x.RemovedAt }));
        modelBuilder.Entity<IntakeKeyRow>(e =>
        {
            e.ToTable("intake_keys").HasKey(x => x.Key);
            e.HasIndex(x => x.LeadId).HasDatabaseName("IX_intake_keys_lead_id");
        });
        modelBuilder.Entity<LeadAliasRow>(e =>
        {
            e.ToTable("lead_aliases").HasKey(x => x.AliasId);
            e.HasIndex(x => x.LeadId).HasDatabaseName("IX_lead_aliases_lead_id");
        });
        modelBuilder.Entity<DeadLetterRow>(e =>
        {
            e.ToTable("dead_letters").HasKey(x => x.Id);
            e.HasIndex(x => x.LeadId).HasDatabaseName("IX_dead_letters_lead_id");
        });
        modelBuilder.Entity<ReplayJobRow>(e =>
        {
            e.ToTable("replay_jobs").HasKey(x => x.Id);
            e.HasIndex(x => x.State).HasDatabaseName("IX_replay_jobs_state");
        });
        modelBuilder.Entity<DeadLetterEditRow>(e =>
        {
            e.ToTable("dead_letter_edits").HasKey(x => x.Id);
            e.HasIndex(x => x.State).HasDatabaseName("IX_dead_letter_edits_state");
        });
        modelBuilder.Entity<DeadLetterActRow>(e =>
        {
            e.ToTable("dead_letter_acts").HasKey(x => x.Id);
            e.HasIndex(x => x.DeadLetterId).HasDatabaseName("IX_dead_letter_acts_dead_letter_id");
            e.HasIndex(x => x.Fingerprint).HasDatabaseName("IX_dead_letter_acts_fingerprint");
        });
        modelBuilder.Entity<ReviewVerdictRow>(e =>
        {
            e.ToTable("review_verdicts").HasKey(x => x.Id);
            e.HasIndex(x => x.LeadId).HasDatabaseName("IX_review_verdicts_lead_id");
        });
        modelBuilder.Entity<DeferredEventRow>(e =>
        {
            e.ToTable("deferred_events").HasKey(x => x.Id);
            e.HasIndex(x => x.DueAt).HasDatabaseName("IX_deferred_events_due_at");
        });
        modelBuilder.Entity<WorkerRow>(e => e.ToTable("workers").HasKey(x => x.Id));
        modelBuilder.Entity<MetaRow>(e => e.ToTable("meta").HasKey(x => x.Name));
        modelBuilder.Entity<DirectoryRow>(e => e.ToTable("companies").HasKey(x => x.Domain));
        modelBuilder.Entity<EnrichmentRow>(e => e.ToTable("enrichment_cache").HasKey(x => x.Key));
        modelBuilder.Entity<CrmSyncLogRow>(e => e.ToTable("crm_sync_logs").HasKey(x => x.Id));
        modelBuilder.Entity<RateLimitRow>(e => e.ToTable("rate_limits").HasKey(x => x.Name));
        modelBuilder.Entity<ApprovalRow>(e =>
        {
            e.ToTable("approvals").HasKey(x => x.Id);
            e.HasIndex(x => x.LeadId).HasFilter("lead_id IS NOT NULL").HasDatabaseName("IX_approvals_lead_id");
            e.HasIndex(x => x.RequestedAt).HasDatabaseName("IX_approvals_requested_at");
        });
        if (Database.IsNpgsql())
        {
            modelBuilder.Entity<PersonInHandRow>().Property(x => x.RecordKey).UseCollation(ByteByByte);
            modelBuilder.Entity<EffectRow>().Property(x => x.EffectKey).UseCollation(ByteByByte);
            modelBuilder.Entity<EffectRow>().Property(x => x.RecordId).UseCollation(ByteByByte);
            modelBuilder.Entity<SharedRecordRow>().Property(x => x.RecordId).UseCollation(ByteByByte);
            modelBuilder.Entity<IntakeKeyRow>().Property(x => x.Key).UseCollation(ByteByByte);
            modelBuilder.Entity<DirectoryRow>().Property(x => x.Domain).UseCollation(ByteByByte);
            modelBuilder.Entity<RateLimitRow>().Property(x => x.Name).UseCollation(ByteByByte);
        }
        foreach (var entity in modelBuilder.Model.GetEntityTypes())
        {
            foreach (var property in entity.GetProperties())
                property.SetColumnName(SnakeCase(property.Name));
        }
    }

    private static string SnakeCase(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "_" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));

    private sealed class UtcTicks() : ValueConverter<DateTimeOffset, long>(v => v.UtcTicks, v => new DateTimeOffset(v, TimeSpan.Zero));
}
