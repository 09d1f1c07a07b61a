namespace LeadPipeline.TestKit;

/// <summary>
/// Descriptions that others have written of their own interfaces. They are not part of the project; whoever has them puts them into a folder
/// named by <c>LEADPIPELINE_CONTRACTS</c>, or into one of the usual places beside the working copy.
/// </summary>
public static class OutsideContracts
{
    /// <summary>The variable that names the folder.</summary>
    public const string Variable = "LEADPIPELINE_CONTRACTS";

    /// <summary>The folders that are looked into, in this order.</summary>
    public static IReadOnlyList<string> Folders { get; } = OutsideFolders.Of(Variable, "../shared/contracts", "../contracts");

    /// <summary>A document's path; null: it is in none of the folders.</summary>
    public static string? Find(string name) => Folders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists);
}

/// <summary>Where things lie that tests use when they are there, and that are not part of the project.</summary>
internal static class OutsideFolders
{
    /// <summary>The folder that a variable names; when it names none, the usual places beside the working copy.</summary>
    public static IReadOnlyList<string> Of(string variable, params string[] besideTheRepository) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named ? [Path.GetFullPath(named)] : [.. besideTheRepository.Select(Repository.PathOf)];
}
