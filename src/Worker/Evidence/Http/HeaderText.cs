namespace LeadPipeline.Worker.Evidence.Http;

/// <summary>A header as an operator writes it, <c>Name: value</c>. Its value is a secret.</summary>
internal static class HeaderText
{
    // What we send ourselves; and what decides where the request goes.
    private static readonly string[] Reserved = ["host", "content-length", "transfer-encoding", "connection", "accept"];

    /// <summary>Name and value.</summary>
    /// <exception cref="FormatException">It is none; the message does not repeat it.</exception>
    public static (string Name, string Value) Parse(string text)
    {
        if (text.Split(':', 2) is not [var name, var value] || name.Trim().Length == 0 || value.Trim().Length == 0)
            throw new FormatException("a header is written as Name: value");
        (name, value) = (name.Trim(), value.Trim());
        if (Reserved.Contains(name.ToLowerInvariant()))
            throw new FormatException($"the header {name} is not for setting");
        using var probe = new HttpRequestMessage();
        if (!value.All(c => c is >= ' ' and < (char)127) || !probe.Headers.TryAddWithoutValidation(name, value))
            throw new FormatException("a header has a name without spaces and a value of plain characters");
        return (name, value);
    }
}
