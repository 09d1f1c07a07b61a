using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Telemetry;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Intake;

/// <summary>What intake made of a lead. A closed family.</summary>
public abstract record IntakeResult
{
    private IntakeResult() { }

    /// <summary>It is stored.</summary>
    /// <param name="LeadId">Its id.</param>
    /// <param name="Next">What brings it forward.</param>
    public sealed record Accepted(Guid LeadId, StageCommand Next) : IntakeResult;

    /// <summary>It was known already; nothing was changed.</summary>
    /// <param name="LeadId">The first lead's id.</param>
    /// <param name="Next">The first lead's pending command: the process may have died before sending it.</param>
    public sealed record Duplicate(Guid LeadId, StageCommand? Next) : IntakeResult;

    /// <summary>It cannot be taken.</summary>
    /// <param name="Errors">One entry per bad field.</param>
    public sealed record Refused(IReadOnlyList<FieldError> Errors) : IntakeResult;
}

/// <summary>Stores a lead once. <c>LeadSubmitted</c> in, <c>AnalyzeLead</c> out; a copy of a known lead changes nothing.</summary>
public sealed partial class IntakeHandler(
    LeadStore store, KeyDirectory directory, IOptions<IntakeOptions> options, Redactor redactor, TimeProvider time, ILogger<IntakeHandler> logger)
{
    private const int MaxTries = 5;

    /// <summary>
    /// Copies come together, after a broken connection, a restart or from a sender that begins again: so many leads after one, and after the start, are looked for before they are
    /// stored. Default 256.
    /// </summary>
    public int WaryFor { get; init => (field, wary) = (value, value); } = 256;

    private int wary = 256;

    /// <summary>Takes a lead in.</summary>
    public async Task<IntakeResult> HandleAsync(LeadSubmitted submitted)
    {
        var began = time.GetTimestamp();
        var acceptedAt = submitted.AcceptedAt is { } at && IsPlausible(at) ? at : time.GetUtcNow();
        var origin = new LeadOrigin(submitted.Door, submitted.Trusted, submitted.IdempotencyKey, acceptedAt, submitted.LeadId) { DedupeWindow = options.Value.DedupeWindow };
        var answer = LeadReader.Read(submitted.Lead, origin, time.GetUtcNow());
        if (answer is not ReadLead.Accepted read)
            return new IntakeResult.Refused(((ReadLead.Refused)answer).Errors);

        for (var tries = 1; ; tries++)
        {
            switch (tries > 1 || LooksFirst(read) ? await FindFirstAsync(read, acceptedAt) : default)
            {
                case { Work: { } first } when IsAnother(first, read):
                    return new IntakeResult.Refused([IdTaken]);
                case { Work: { } first }:
                    return await DuplicateAsync(first, read.Lead, acceptedAt);
                case { Erased: { } erased }:
                    return await CopyOfErasedAsync(erased, read.Lead, acceptedAt);
            }

            var facts = new[] { new AuditFact("intake", "received", Received(read)) };
            var (work, result) = await store.AddAsync(read.Lead, facts, Keys(read, submitted, acceptedAt));
            if (result == CommitResult.Committed)
            {
                PipelineMeters.Received(submitted.Door);
                PipelineMeters.Worked("intake", time.GetElapsedTime(began));
                Log.Received(logger, read.Lead.LeadId, read.Lead.Source);
                return new IntakeResult.Accepted(read.Lead.LeadId, StageCommand.Pending(work!.Saga, work)!);
            }
            Volatile.Write(ref wary, WaryFor);
            // Someone has stored the same lead, maybe in the same moment: look and find it. Who refuses it and is not to be found is no lead that
            // this one could be a copy of: it must not be answered as one, since nobody has it then.
            if (tries >= MaxTries)
                throw new InvalidOperationException($"Lead {read.Lead.LeadId} is neither stored nor found.");
        }
    }

    /// <summary>What is said of a lead whose id its sender has named, and which somebody else has.</summary>
    public static readonly FieldError IdTaken = new("leadId", "belongs to another lead", "leave it out, or use a new UUID");

    /// <summary>Whether it is somebody else who has the id that this lead's sender named: no copy, whose content could be let go. The door may have let it in before the first one was stored.</summary>
    internal static bool IsAnother(LeadWork first, ReadLead.Accepted read) =>
        IsNamed(read) && first.Saga.LeadId == read.Lead.LeadId && first.Lead.Email != read.Lead.Email;

    /// <summary>Whether the lead's id is its sender's choice, made in the lead or in the message round it, and follows from no key.</summary>
    private static bool IsNamed(ReadLead.Accepted read) => read.Keys.Stable.Any(k => k.Kind == LeadKeyKind.LeadId) || read.Lead.LeadId != read.Keys.LeadId;

    /// <summary>Whether a message can have been accepted then; one that says nonsense is taken as accepted now.</summary>
    private bool IsPlausible(DateTimeOffset acceptedAt) => acceptedAt.Year >= 2000 && acceptedAt <= time.GetUtcNow() + TimeSpan.FromMinutes(5);

    /// <summary>
    /// Whether to look for the lead before it is stored. One that has a single key need not be looked for: its id follows from the key, so that storing a copy meets the first one's
    /// row, and most leads are no copies.
    /// </summary>
    private bool LooksFirst(ReadLead.Accepted read)
    {
        if (read.Keys.Stable.Count != 1 || read.Lead.LeadId != read.Keys.LeadId)
            return true;
        var left = Volatile.Read(ref wary);
        // That two count as one in the same moment does no harm.
        if (left > 0)
            Volatile.Write(ref wary, left - 1);
        return left > 0;
    }

    /// <summary>
    /// The lead that this one is a copy of, if any: one that has a key of it, or whose id follows from one. For leads without keys that is the
    /// lead of the same e-mail and campaign in this window's bucket or, while it is young enough, in the one before; for a lead that comes late, also in the one after.
    /// </summary>
    private async Task<First> FindFirstAsync(ReadLead.Accepted read, DateTimeOffset acceptedAt)
    {
        if (await LookAsync(read.Lead.LeadId) is { IsKnown: true } same)
            return same;
        foreach (var key in read.Keys.Stable)
        {
            if (await directory.FindAsync(key.Value) is { } known && await LookAsync(known.LeadId) is { IsKnown: true } byKey)
                return byKey;
            // The id that the first key gives is the lead's own, mostly, and that was looked for already.
            if (key.Kind != LeadKeyKind.LeadId && DeterministicId.Create(DeterministicId.Leads, key.Value) is var id && id != read.Lead.LeadId
                && await LookAsync(id) is { IsKnown: true } byId)
                return byId;
        }
        if (!read.Keys.ByEmail)
            return default;
        var window = options.Value.DedupeWindow;
        // Of an erased lead nothing is left to compare with: in the next window the person is new.
        if (await InBucketAsync(acceptedAt - window) is { } young && young.Saga.ReceivedAt > acceptedAt - window)
            return new First(young, null);
        // Who posts again what lies among the dead letters is first when that goes back.
        var hasNext = LeadIdentity.Bucket(acceptedAt, window) < LeadIdentity.Bucket(time.GetUtcNow(), window);
        return hasNext && await InBucketAsync(acceptedAt + window) is { } next && next.Saga.ReceivedAt < acceptedAt + window ? new First(next, null) : default;

        Task<LeadWork?> InBucketAsync(DateTimeOffset of) => store.LoadAsync(LeadIdentity.Keys(read.Lead, null, null, read.Lead.Source, of, window).LeadId);
    }

    private async Task<First> LookAsync(Guid leadId)
    {
        var (work, erased) = await store.LookAsync(leadId);
        return new First(work, erased ? leadId : null);
    }

    /// <summary>
    /// A copy of a lead that was erased: most likely the same message once more. It must not bring back what was destroyed, so nothing of it is kept; its id
    /// answers as the erased lead.
    /// </summary>
    private async Task<IntakeResult> CopyOfErasedAsync(Guid erased, Lead copy, DateTimeOffset at)
    {
        if (copy.LeadId != erased)
            await store.AliasAsync(new LeadAliasRow { AliasId = copy.LeadId, LeadId = erased, At = at }, CancellationToken.None);
        Log.CopyOfErased(logger, erased);
        return new IntakeResult.Duplicate(erased, null);
    }

    /// <summary>The lead that a post is a copy of: itself, or that it was erased; default when there is none.</summary>
    private readonly record struct First(LeadWork? Work, Guid? Erased)
    {
        public bool IsKnown => Work is not null || Erased is not null;
    }

    private async Task<IntakeResult> DuplicateAsync(LeadWork first, Lead copy, DateTimeOffset at)
    {
        var fields = LeadDiff.Fields(first.Lead, copy);
        var alias = copy.LeadId == first.Saga.LeadId ? null : new LeadAliasRow { AliasId = copy.LeadId, LeadId = first.Saga.LeadId, At = at };
        if (fields.Count > 0 || alias is not null)
        {
            var payload = new JsonObject { ["differs"] = new JsonArray([.. fields.Select(f => (JsonNode)f)]) };
            if (alias is not null)
                payload["aliasId"] = alias.AliasId.ToString();
            var noted = await store.ApplyAsync(first, new SagaMessage.Noted(), [new AuditFact("intake", "duplicate", payload)], commit => commit with { Alias = alias });
            // Erased at this very moment.
            if (!noted.Took)
                return await CopyOfErasedAsync(first.Saga.LeadId, copy, at);
        }
        Log.Duplicate(logger, first.Saga.LeadId, fields.Count);
        // Not as it was loaded: most likely somebody is at it in this moment, and whoever waits for that finds it changed.
        return new IntakeResult.Duplicate(first.Saga.LeadId, StageCommand.Pending(first.Saga));
    }

    /// <summary>
    /// The keys that the lead occupies. Also the one that its id follows from: a copy that comes in the same moment under another id has it as its second, and of
    /// the two only one must become a lead.
    /// </summary>
    private static List<IntakeKeyRow> Keys(ReadLead.Accepted read, LeadSubmitted submitted, DateTimeOffset at) =>
        [.. read.Keys.Stable.Where(k => k.Kind != LeadKeyKind.LeadId)
            .Select(k => new IntakeKeyRow { Key = k.Value, LeadId = read.Lead.LeadId, At = at, BodyHash = k.Kind == LeadKeyKind.Idempotency ? submitted.BodyHash : null })];

    private JsonObject Received(ReadLead.Accepted read)
    {
        var payload = new JsonObject { ["source"] = read.Lead.Source, ["email"] = redactor.Value("email", read.Lead.Email), ["trusted"] = read.Lead.Trusted };
        if (read.Warnings.Count > 0)
            payload["warnings"] = new JsonArray([.. read.Warnings.Select(w => (JsonNode)w)]);
        return payload;
    }

    private static partial class Log
    {
        [LoggerMessage(100, LogLevel.Debug, "Lead {LeadId} received from {Source}")]
        public static partial void Received(ILogger logger, Guid leadId, string source);

        [LoggerMessage(101, LogLevel.Information, "Lead {LeadId} was posted again, {Differing} fields differ; nothing was changed")]
        public static partial void Duplicate(ILogger logger, Guid leadId, int differing);

        [LoggerMessage(102, LogLevel.Information, "Lead {LeadId}, which is erased, was posted again; nothing was kept")]
        public static partial void CopyOfErased(ILogger logger, Guid leadId);
    }
}
