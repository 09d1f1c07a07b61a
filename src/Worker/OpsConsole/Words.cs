using System.Globalization;
using System.Text;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>How something is meant to strike the eye. Colour never says it alone; a word stands beside it.</summary>
public enum Tone
{
    /// <summary>Nothing special.</summary>
    Plain,
    /// <summary>As it should be.</summary>
    Good,
    /// <summary>Under way.</summary>
    Busy,
    /// <summary>Somebody should look.</summary>
    Warn,
    /// <summary>It has gone wrong.</summary>
    Bad,
}

/// <summary>What codes mean, in plain words. A code that is not known here is shown as it is.</summary>
public static class Words
{
    private static readonly Dictionary<string, (string Text, Tone Tone)> Statuses = new(StringComparer.Ordinal)
    {
        ["Received"] = ("Received", Tone.Busy),
        ["Analyzing"] = ("Being analysed", Tone.Busy),
        ["Analyzed"] = ("Analysed", Tone.Busy),
        ["Executing"] = ("In the CRM now", Tone.Busy),
        ["Deferred"] = ("Waiting", Tone.Busy),
        ["Completed"] = ("Completed", Tone.Good),
        ["Rejected"] = ("Rejected", Tone.Warn),
        ["Blocked"] = ("Blocked", Tone.Warn),
        ["Compensated"] = ("Undone", Tone.Warn),
        ["NeedsReview"] = ("Needs review", Tone.Warn),
        ["DeadLettered"] = ("Dead letter", Tone.Bad),
        ["Cancelled"] = ("Cancelled", Tone.Plain),
        ["Erased"] = ("Erased", Tone.Plain),
    };

    private static readonly Dictionary<string, (string Text, Tone Tone)> Verdicts = new(StringComparer.Ordinal)
    {
        ["SUPPORTED"] = ("Supported", Tone.Good),
        ["CONTRADICTED"] = ("Contradicted", Tone.Bad),
        ["NOT_FOUND"] = ("Not found", Tone.Warn),
        ["SOURCE_NOT_ALLOWED"] = ("Wrong source", Tone.Bad),
        ["MALFORMED"] = ("Not a value", Tone.Bad),
        ["STALE"] = ("Out of date", Tone.Warn),
        ["UNTRUSTED_ONLY"] = ("Only the person says so", Tone.Plain),
        ["VALID"] = ("Holds", Tone.Good),
        ["DOWNGRADED"] = ("Lowered", Tone.Warn),
        ["REJECTED"] = ("Does not hold", Tone.Bad),
    };

    private static readonly Dictionary<string, (string Text, Tone Tone)> Effects = new(StringComparer.Ordinal)
    {
        ["planned"] = ("Planned", Tone.Plain),
        ["sent"] = ("Sent", Tone.Busy),
        ["confirmed"] = ("Done", Tone.Good),
        ["unchanged"] = ("Was so already", Tone.Good),
        ["skipped"] = ("Skipped", Tone.Plain),
        ["failed"] = ("Refused", Tone.Bad),
        ["absent"] = ("Not there", Tone.Warn),
        ["unknown"] = ("No answer yet", Tone.Warn),
        ["compensated"] = ("Undone", Tone.Warn),
        ["not_needed"] = ("Nothing to undo", Tone.Plain),
        ["cannot_compensate"] = ("Could not be undone", Tone.Bad),
    };

    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
    {
        ["injection-signal"] = "The lead's own words look like an attempt to steer the decision.",
        ["manual-review"] = "The analysis asks for a person.",
        ["model-unusable"] = "The model gave no answer that could be read.",
        ["model-blocked"] = "The model refused to answer.",
        ["model-refused"] = "The model refused to answer.",
        ["no-email"] = "There is no e-mail address.",
        ["differs-from-earlier-run"] = "The plan would add a second record beside one of an earlier run.",
        ["compensation-incomplete"] = "Not everything could be undone.",
        ["unknown-outcome"] = "It cannot be told what the CRM did.",
        ["approval-required"] = "A step waits for somebody's yes.",
        ["crm-settling"] = "A call to the CRM had no answer and may still be carried out.",
        ["crm-breaker-open"] = "The CRM is failing, so calls to it are stopped for a while.",
        ["crm-unavailable"] = "The CRM does not answer.",
        ["refused"] = "The CRM refused a step, so what had been done was undone.",
        ["crm-unauthorized"] = "The CRM refuses our credentials.",
        ["crm-rate-limited"] = "The CRM allows no more calls just now.",
        ["model-rate-limited"] = "The model allows no more calls just now.",
        ["model-unavailable"] = "The model does not answer.",
        ["person-busy"] = "Another lead of the same person is being worked on.",
    };

    private static readonly Dictionary<string, string> Kinds = new(StringComparer.Ordinal)
    {
        ["intake.received"] = "Received",
        ["intake.duplicate"] = "A copy arrived",
        ["analysis.started"] = "Analysis began",
        ["analysis.completed"] = "Analysis done",
        ["analysis.blocked"] = "No usable analysis",
        ["analysis.deferred"] = "Analysis put off",
        ["grounding.valid"] = "Every claim that matters holds",
        ["grounding.downgraded"] = "Lowered to what the evidence supports",
        ["grounding.rejected"] = "The claims do not hold",
        ["planning.planned"] = "Plan made",
        ["planning.blocked"] = "Plan forbidden",
        ["planning.halted"] = "Plan held for a person",
        ["execution.started"] = "Work in the CRM began",
        ["execution.deferred"] = "Work in the CRM put off",
        ["execution.completed"] = "Work in the CRM ended",
        ["tool.completed"] = "Step done",
        ["tool.failed"] = "Step refused",
        ["tool.skipped"] = "Step skipped",
        ["tool.started"] = "Step that cannot be undone began",
        ["tool.replayed"] = "Step done by an earlier run",
        ["tool.unknown"] = "Step without an answer",
        ["tool.resolved"] = "Step looked up in the CRM",
        ["compensation.started"] = "Undoing began",
        ["compensation.done"] = "Step undone",
        ["compensation.not_needed"] = "Nothing to undo",
        ["compensation.cannot"] = "Step could not be undone",
        ["guard.rate_limited"] = "A limit was met",
        ["guard.breaker_open"] = "Calls to the CRM are stopped",
        ["guard.safety_blocked"] = "Stopped by a safety rule",
        ["operator.replayed"] = "Sent on its way again",
        ["operator.discarded"] = "Dead letter put aside",
        ["operator.approved"] = "Approved in review",
        ["operator.rejected"] = "Rejected in review",
        ["operator.cancelled"] = "Cancelled",
        ["operator.erased"] = "Erased",
        ["operator.viewed_pii"] = "Somebody looked at the personal data",
        ["approval.requested"] = "Approval asked for",
        ["approval.approved"] = "Approval given",
        ["approval.denied"] = "Approval refused",
        ["approval.used"] = "Approval used",
        ["approval.expired"] = "Approval ran out",
    };

    private static readonly Dictionary<string, string> Rules = new(StringComparer.Ordinal)
    {
        ["G1"] = "shape of the analysis",
        ["G2"] = "known source",
        ["G3"] = "known field",
        ["G4"] = "source fits the kind of claim",
        ["G5"] = "there is enrichment to cite",
        ["G6"] = "same words",
        ["G7"] = "within the range",
        ["G8"] = "members of the list",
        ["G9"] = "same place, no finer",
        ["G10"] = "same value",
        ["G16"] = "no two values for one field",
        ["G17"] = "the person's own words",
        ["G18"] = "not out of date",
    };

    /// <summary>A lead's status.</summary>
    public static (string Text, Tone Tone) Status(string? status) => Of(Statuses, status);

    /// <summary>A verdict over a claim or an analysis.</summary>
    public static (string Text, Tone Tone) Verdict(string? verdict) => Of(Verdicts, verdict);

    /// <summary>Where an effect stands.</summary>
    public static (string Text, Tone Tone) Effect(string? state) => Of(Effects, state);

    /// <summary>Why something stopped or waits; empty for nothing.</summary>
    public static string Reason(string? code) => code switch
    {
        null or "" => "",
        ['g', 'r', 'o', 'u', 'n', 'd', 'i', 'n', 'g', ':', .. var rule] => Rule(rule) is { Length: > 0 } test ? $"A claim of the analysis does not hold ({rule}: {test})." : $"The analysis does not hold ({rule}).",
        _ => Reasons.GetValueOrDefault(code) ?? Sentence(code),
    };

    /// <summary>What happened.</summary>
    public static string Kind(string? stage, string? kind) => Kinds.GetValueOrDefault($"{stage}.{kind}") ?? Sentence($"{stage} {kind}");

    /// <summary>What a rule of grounding compares; empty when it is none of those.</summary>
    public static string Rule(string? rule) => rule is null ? "" : Rules.GetValueOrDefault(rule) ?? "";

    /// <summary>A name in code as words: <c>upsert_lead</c>, <c>ROUTE_TO_SDR</c>, <c>same-failure</c>.</summary>
    public static string Sentence(string? code)
    {
        if (string.IsNullOrWhiteSpace(code))
            return "";
        var words = new StringBuilder(code.Length);
        foreach (var c in code)
            words.Append(c is '_' or '-' ? ' ' : char.ToLowerInvariant(c));
        words[0] = char.ToUpperInvariant(words[0]);
        return words.ToString();
    }

    /// <summary>A moment as people read it: near ones by their distance, others by the date. UTC.</summary>
    public static string Ago(DateTimeOffset at, DateTimeOffset now) => (now - at) switch
    {
        { TotalSeconds: < 0 } ahead => "in " + Span(Coarse(-ahead)),
        { TotalSeconds: < 10 } => "just now",
        { TotalDays: < 7 } passed => Span(Coarse(passed)) + " ago",
        _ => at.UtcDateTime.ToString("d MMM yyyy", CultureInfo.InvariantCulture),
    };

    /// <summary>A duration in its one or two largest units.</summary>
    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} s"),
        { TotalMinutes: < 1 } => $"{span.Seconds} s",
        { TotalHours: < 1 } => $"{span.Minutes} min",
        { TotalDays: < 1 } => span.Minutes == 0 ? $"{span.Hours} h" : $"{span.Hours} h {span.Minutes} min",
        _ => span.TotalDays < 2 ? "1 day" : $"{(int)span.TotalDays} days",
    };

    /// <summary>A count with thin groups: 12 345.</summary>
    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', '\u202F');

    private static TimeSpan Coarse(TimeSpan span) => span.TotalHours < 1 ? span : TimeSpan.FromHours(Math.Floor(span.TotalHours));

    private static (string, Tone) Of(Dictionary<string, (string, Tone)> known, string? code) =>
        code is null ? ("–", Tone.Plain) : known.TryGetValue(code, out var word) ? word : (Sentence(code), Tone.Plain);
}
