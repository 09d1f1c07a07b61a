using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.TestKit.Simulators.Salesforce;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class SoqlEscaperTests
{
    [TestCase("", "''")]
    [TestCase("Acme", "'Acme'")]
    [TestCase("O'Brien", @"'O\'Brien'")]
    [TestCase(@"back\slash", @"'back\\slash'")]
    [TestCase(@"\'", @"'\\\''")]
    [TestCase(@"already \'escaped\'", @"'already \\\'escaped\\\''")]
    [TestCase(@"ends in \", @"'ends in \\'")]
    [TestCase("say \"hi\"", @"'say \""hi\""'")]
    [TestCase("a\nb\rc\td\be\ff", @"'a\nb\rc\td\be\ff'")]
    [TestCase("nul\0 esc\u001b del\u007f nel\u0085", @"'nul\u0000 esc\u001B del\u007F nel\u0085'")]
    [TestCase("Müller Straße 東京 Ωmega", "'Müller Straße 東京 Ωmega'")]
    [TestCase("rocket 🚀 family 👩‍👩‍👧", "'rocket 🚀 family 👩‍👩‍👧'")]
    [TestCase("abc \u202eتجربة", "'abc \u202eتجربة'")]
    [TestCase("' OR Name LIKE '%", @"'\' OR Name LIKE \'%'")]
    [TestCase("Prototype Labs; SELECT", "'Prototype Labs; SELECT'")]
    [TestCase("100% _pure_", "'100% _pure_'")]
    public void Literal_means_the_text_and_nothing_else(string text, string literal)
    {
        Assert.That(SoqlEscaper.Literal(text), Is.EqualTo(literal));
    }

    [TestCase("100%", @"'100\%%'")]
    [TestCase("a_b", @"'a\_b%'")]
    [TestCase(@"\%", @"'\\\%%'")]
    [TestCase("O'Brien", @"'O\'Brien%'")]
    public void Prefix_keeps_wildcards_as_characters(string text, string pattern)
    {
        Assert.That(SoqlEscaper.Prefix(text), Is.EqualTo(pattern));
    }

    [Test]
    public void A_long_text_stays_whole()
    {
        var text = string.Concat(Enumerable.Repeat(@"\'", 5_000));

        Assert.That(Value(text), Is.EqualTo(text));
    }

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public bool Whatever_is_written_is_read_again(string? text)
    {
        // Two characters of private use stand for escaped wildcards in the simulator's parser.
        var given = new string([.. (text ?? "").Where(c => c is not ('\uE000' or '\uE001'))]);
        return Value(given) == given;
    }

    private static string Value(string text) =>
        ((SoqlCondition.Compare)SoqlParser.Parse($"SELECT Id FROM Lead WHERE Email = {SoqlEscaper.Literal(text)}").Where!).Values[0].Text;
}
