namespace LeadPipeline.TestKit;

/// <summary>Finds files of the working copy that the tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path inside the working copy, given with forward slashes.</summary>
    public static string PathOf(string relative) => Path.GetFullPath(Path.Combine(Root, relative));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LeadPipeline.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No LeadPipeline.sln above '{AppContext.BaseDirectory}': run the tests from the working copy that built them.");
    }
}
