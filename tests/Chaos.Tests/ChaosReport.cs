using System.Globalization;
using System.Text;

namespace LeadPipeline.Chaos.Tests;

/// <summary>What came of a campaign, to be read by people.</summary>
internal sealed record ChaosReport
{
    public required ChaosOptions Options { get; init; }
    public required int Accepted { get; init; }
    /// <summary>Promises that were broken, a sentence each; none, when all were kept.</summary>
    public required IReadOnlyList<string> Broken { get; init; }
    public required IReadOnlyDictionary<string, int> Outcomes { get; init; }
    public required ChaosEffects Effects { get; init; }
    public required IReadOnlyDictionary<string, int> Acts { get; init; }
    public required IReadOnlyDictionary<string, int> Faults { get; init; }
    public required IReadOnlyDictionary<string, int> Refusals { get; init; }
    public required TimeSpan LongestAnswer { get; init; }
    public required TimeSpan LongestStop { get; init; }
    public required IReadOnlyList<string> Died { get; init; }
    public required TimeSpan Settled { get; init; }
    /// <summary>What was outstanding for long after everything was mended; null: nothing.</summary>
    public required string? Outstanding { get; init; }
    public required TimeSpan Took { get; init; }
    public required int CrmCalls { get; init; }
    public required int ModelCalls { get; init; }
    /// <summary>What workers said last that was more than information.</summary>
    public required IReadOnlyList<string> Said { get; init; }

    /// <summary>As text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line($"Campaign with seed {Options.Seed}: {Options.Leads} leads, {Options.Workers} worker(s), {Seconds(Options.Trouble)} of trouble, {Seconds(Took)} in all");
        // Before all else: of the message of a failed test some show only how it begins.
        Line(Broken.Count == 0 ? "  promises        all kept" : $"  BROKEN          {Broken.Count}:\n    {string.Join("\n    ", Broken.Take(50))}");
        Line($"  accepted        {Accepted}");
        Line($"  ended           {Counts(Outcomes)}");
        Line($"  effects         {Effects.Made} records made with an effect key, {Effects.MadeTwice} of them twice; {Effects.Confirmed} steps confirmed, {Effects.Compensated} undone, {Effects.Corrections} corrections written");
        Line($"  read back       {Effects.Resolved} steps had an outcome that nobody knew, and were settled by reading the CRM");
        Line($"  done to it      {Counts(Acts)}");
        Line($"  vendors' faults {Counts(Faults)}");
        Line($"  calls           {CrmCalls} to the CRM, {ModelCalls} to the model");
        Line($"  not accepted    {Counts(Refusals)} (and sent again); the longest answer took {Seconds(LongestAnswer)}");
        Line($"  quiet           {Seconds(Settled)} after everything was mended; the longest stop took {Seconds(LongestStop)}");
        if (Outstanding is not null)
            Line($"  was slow        {Outstanding}");
        if (Died.Count > 0)
            Line($"  died            {Died.Count} workers by themselves, and were replaced:\n    {string.Join("\n    ", Died.Take(5))}");
        if (Broken.Count > 0)
            Line($"  the workers said last:\n    {string.Join("\n    ", Said)}");
        return text.ToString();

        void Line(string line) => text.AppendLine(line);
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";

    private static string Counts(IReadOnlyDictionary<string, int> counts) =>
        counts.Count == 0 ? "nothing" : string.Join(", ", counts.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key} {c.Value}")));
}

/// <summary>Effects as they were counted.</summary>
/// <param name="Made">Records that the CRM made with an effect key of ours.</param>
/// <param name="MadeTwice">Keys with which it made more than one.</param>
/// <param name="Confirmed">Steps that the ledger has as confirmed.</param>
/// <param name="Compensated">Steps that the ledger has as undone.</param>
/// <param name="Corrections">Correcting entries that the CRM made.</param>
/// <param name="Resolved">Steps whose outcome was not known and was read back.</param>
internal sealed record ChaosEffects(int Made, int MadeTwice, int Confirmed, int Compensated, int Corrections, int Resolved);
