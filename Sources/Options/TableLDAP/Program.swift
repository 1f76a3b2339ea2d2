import TableProgram

/// table-ldap: tables in an LDAP directory.
@main struct Program {
    static func main() {
        #if LDAP
        TableProgram.serve(LDAPEngine.self)
        #else
        TableProgram.leftOut("table-ldap", trait: "LDAP")
        #endif
    }
}
