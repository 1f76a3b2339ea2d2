/// The predefined table of the system's user database.
package enum SystemUsers {
    package static let table = "<getpwnam>"
}
