namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>One input of a batch: the writes of the port that it carries out, the first of them its own.</summary>
/// <param name="Writes">Indices of the writes.</param>
/// <param name="Id">The record; null when it is to be made.</param>
/// <param name="Properties">What to set; an empty text clears.</param>
/// <param name="Links">Records to associate it with.</param>
internal sealed record WriteInput(IReadOnlyList<int> Writes, string? Id, IReadOnlyDictionary<string, string?> Properties, IReadOnlyList<(string Type, string Id)> Links)
{
    /// <summary>Names the input in HubSpot's answer; without it a partial failure does not say whose it is.</summary>
    public string Trace { get; } = "write-" + Writes[0].ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>What HubSpot made of one input. A closed family.</summary>
internal abstract record WriteItem(WriteInput Input)
{
    /// <summary>Done; the record as far as the answer shows it.</summary>
    public sealed record Done(WriteInput Input, HubSpotRecord? Record) : WriteItem(Input);

    /// <summary>Refused for good.</summary>
    public sealed record Refused(WriteInput Input, HubSpotError Error) : WriteItem(Input);

    /// <summary>The answer does not mention it.</summary>
    public sealed record Unsaid(WriteInput Input) : WriteItem(Input);
}

/// <summary>What came of one writing call. A closed family.</summary>
internal abstract record WriteAnswer
{
    /// <summary>Answered input by input.</summary>
    public sealed record Items(IReadOnlyList<WriteItem> All) : WriteAnswer;

    /// <summary>Refused as a whole; nothing was written.</summary>
    public sealed record Refused(HubSpotError Error) : WriteAnswer;

    /// <summary>Not now; nothing was written.</summary>
    public sealed record NotNow(CrmOutcome.NotNow Outcome) : WriteAnswer;

    /// <summary>It may have been written.</summary>
    public sealed record Lost(CrmOutcome.Unknown Outcome) : WriteAnswer;
}
