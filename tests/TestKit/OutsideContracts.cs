namespace LeadPipeline.TestKit;

/// <summary>
/// Descriptions that others have written of their own interfaces. They are not part of the project; whoever has them puts them into a folder
/// named by <c>LEADPIPELINE_CONTRACTS</c>, or into one of the usual places beside the working copy.
/// </summary>
public static class OutsideContracts
{
    /// <summary>The variable that names the folder.</summary>
    public const string Variable = "LEADPIPELINE_CONTRACTS";

    private static readonly string[] BesideTheRepository = ["../shared/contracts", "../contracts"];

    /// <summary>The folders that are looked into, in this order.</summary>
    public static IReadOnlyList<string> Folders { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named
        ? [Path.GetFullPath(named)]
        : [.. BesideTheRepository.Select(Repository.PathOf)];

    /// <summary>A document's path; null: it is in none of the folders.</summary>
    public static string? Find(string name) => Folders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists);
}
