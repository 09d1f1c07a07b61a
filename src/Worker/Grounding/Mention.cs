namespace LeadPipeline.Worker.Grounding;

/// <summary>Something checkable that a text mentions.</summary>
internal abstract record Mention
{
    /// <summary>A number, scale applied.</summary>
    public sealed record Number(decimal Value, string? Currency, bool Percent) : Mention;

    /// <summary>A date or an instant.</summary>
    public sealed record Time(Values.TimeValue Value) : Mention;

    /// <summary>A link or an e-mail address, folded.</summary>
    public sealed record Address(string Text) : Mention;
}
